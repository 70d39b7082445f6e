package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
	"github.com/gatehouse-auth/gatehouse/internal/config"
	"github.com/gatehouse-auth/gatehouse/internal/revocation"
	"github.com/gatehouse-auth/gatehouse/internal/store"
)

// apiKeyCmds are the commands on API keys.
type apiKeyCmds struct {
	Create apiKeyCreateCmd `cmd:"" help:"Make an API key for a service or a user, and show it once."`
	List   apiKeyListCmd   `cmd:"" help:"List API keys, those that have ended too."`
	Show   apiKeyShowCmd   `cmd:"" help:"Show one API key without its secret."`
	Rotate apiKeyRotateCmd `cmd:"" help:"Replace an API key by a new one, shown once; the old one goes on for a while."`
	Revoke apiKeyRevokeCmd `cmd:"" help:"End an API key for good, on every server."`
}

// rate is a flag such as 600/1m.
type rate auth.RateLimit

// UnmarshalText reads the flag.
func (r *rate) UnmarshalText(text []byte) error {
	number, period, found := strings.Cut(string(text), "/")
	n, err := strconv.Atoi(number)
	d, bad := config.ParseDuration(period)
	if !found || err != nil || bad != nil || n < 1 || d < time.Second {
		return errors.New("write requests and a time, as 600/1m")
	}
	*r = rate{Requests: n, Period: d}
	return nil
}

// network is a flag with an address or a network.
type network netip.Prefix

// UnmarshalText reads the flag.
func (n *network) UnmarshalText(text []byte) error {
	if a, err := netip.ParseAddr(string(text)); err == nil {
		*n = network(netip.PrefixFrom(a, a.BitLen()))
		return nil
	}
	p, err := netip.ParsePrefix(string(text))
	if err != nil {
		return errors.New("write an address or a network, as 203.0.113.0/24")
	}
	*n = network(p)
	return nil
}

type apiKeyCreateCmd struct {
	officeFlags
	Name    string    `arg:"" help:"What it is for; anything of 1 to 100 characters."`
	User    string    `help:"Make it a key of this user, who can then do nothing that the user cannot: ID, e-mail address or user name. Otherwise it is a service's." placeholder:"USER"`
	Role    []string  `help:"Role of a service's key, or the one of the user's roles that the key has; may be repeated." placeholder:"ROLE" sep:","`
	Scope   []string  `help:"Permission or pattern, as orders:read, that narrows what the roles allow; may be repeated." placeholder:"SCOPE" sep:","`
	Network []network `help:"Address or network from which alone it may be used; may be repeated." placeholder:"CIDR" sep:","`
	Rate    rate      `help:"How many requests it may make in how long, as 600/1m; otherwise what the settings say." placeholder:"N/TIME"`
	Expires duration  `help:"How long it is good, as 90d; otherwise what the settings say." placeholder:"TIME"`
	JSON    bool      `name:"json" help:"Print JSON."`
}

// Run makes the key. It alone goes to standard output.
func (c *apiKeyCreateCmd) Run(p *program) error {
	if c.Expires < 0 {
		return usage("--expires must be above zero")
	}
	return c.at(p, false, func(o office) error {
		d := apikey.Draft{Name: c.Name, Roles: c.Role, Scopes: c.Scope, RateLimit: auth.RateLimit(c.Rate), Lifetime: time.Duration(c.Expires)}
		for _, n := range c.Network {
			d.Networks = append(d.Networks, netip.Prefix(n))
		}
		if c.User != "" {
			u, err := findIn(p, o, c.User)
			if err != nil {
				return err
			}
			d.UserID = u.ID
		}
		made, err := o.CreateAPIKey(p.ctx, d)
		if err != nil {
			return err
		}
		return printSecretKey(p, c.JSON, made, "")
	})
}

// printSecretKey shows a key the only time that it is shown.
func printSecretKey(p *program, asJSON bool, made apikey.Created, more string) error {
	if asJSON {
		out := jsonAPIKey(made.Key)
		out.Key = made.Text.Reveal()
		return printJSON(p.stdout, out)
	}
	if _, err := fmt.Fprintln(p.stdout, made.Text.Reveal()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stderr, "%s is good until %s UTC.%s It is not shown again.\n", made.Key.ID, when(made.Key.ExpiresAt), more)
	return err
}

// apiKeyJSON is an API key as --json prints it.
type apiKeyJSON struct {
	ID          auth.APIKeyID `json:"id"`
	Key         string        `json:"key,omitempty"`
	Environment string        `json:"environment"`
	Name        string        `json:"name"`
	UserID      auth.UserID   `json:"user_id,omitempty"`
	CreatedBy   string        `json:"created_by"`
	Roles       []string      `json:"roles"`
	Scopes      []string      `json:"scopes"`
	Networks    []string      `json:"networks"`
	Rate        string        `json:"rate,omitempty"`
	State       string        `json:"state"`
	ReplacedBy  auth.APIKeyID `json:"replaced_by,omitempty"`
	CreatedAt   time.Time     `json:"created_at"`
	ExpiresAt   time.Time     `json:"expires_at"`
	LastUsedAt  time.Time     `json:"last_used_at,omitzero"`
	RevokedAt   time.Time     `json:"revoked_at,omitzero"`
	// Effective says, after a revocation or a rotation, whether every server goes
	// by it already.
	Effective    revocation.Effectiveness `json:"effective,omitempty"`
	PendingUntil time.Time                `json:"pending_until,omitzero"`
}

func jsonAPIKey(k auth.APIKey) apiKeyJSON {
	out := apiKeyJSON{
		ID: k.ID, Environment: k.Environment, Name: k.Name, UserID: k.UserID, CreatedBy: k.CreatedBy, Roles: k.Roles, Scopes: k.Scopes, Networks: []string{},
		Rate: rateText(k.RateLimit), State: keyState(k), ReplacedBy: k.ReplacedBy,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt,
	}
	for _, list := range []*[]string{&out.Roles, &out.Scopes} {
		if *list == nil {
			*list = []string{}
		}
	}
	for _, n := range k.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	return out
}

func rateText(l auth.RateLimit) string {
	if l.Requests == 0 {
		return ""
	}
	return strconv.Itoa(l.Requests) + "/" + config.FormatDuration(l.Period)
}

// keyState says whether a key still opens anything. Its user may have been
// disabled: that is not in its row.
func keyState(k auth.APIKey) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !time.Now().Before(k.ExpiresAt):
		return "expired"
	case k.ReplacedBy != "":
		return "replaced"
	}
	return "active"
}

type apiKeyListCmd struct {
	officeFlags
	User     string `help:"Those of this user alone: ID, e-mail address or user name." placeholder:"USER" xor:"whose"`
	Services bool   `help:"Those of services alone." xor:"whose"`
	JSON     bool   `name:"json" help:"Print one JSON object a line."`
}

// Run lists the keys.
func (c *apiKeyListCmd) Run(p *program) error {
	return c.at(p, false, func(o office) error {
		of := store.APIKeyFilter{Services: c.Services}
		if c.User != "" {
			u, err := findIn(p, o, c.User)
			if err != nil {
				return err
			}
			of.User = u.ID
		}
		head := !c.JSON
		return o.EachAPIKey(p.ctx, of, func(keys []auth.APIKey) error {
			defer func() { head = false }()
			return c.print(p.stdout, keys, head)
		})
	})
}

func (c *apiKeyListCmd) print(out io.Writer, keys []auth.APIKey, head bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if head {
		fmt.Fprintln(w, "ID\tNAME\tOF\tROLES\tSCOPES\tSTATE\tEXPIRES\tLAST USED")
	}
	for _, k := range keys {
		if c.JSON {
			if err := printJSON(out, jsonAPIKey(k)); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, ownerOf(k), strings.Join(k.Roles, ","), strings.Join(k.Scopes, ","), keyState(k), when(k.ExpiresAt), usedAt(k))
	}
	return w.Flush()
}

func ownerOf(k auth.APIKey) string {
	if k.UserID == "" {
		return "service"
	}
	return string(k.UserID)
}

func usedAt(k auth.APIKey) string {
	if k.LastUsedAt.IsZero() {
		return "never"
	}
	return when(k.LastUsedAt)
}

// keyFlags are common to the commands on one API key.
type keyFlags struct {
	officeFlags
	JSON bool   `name:"json" help:"Print JSON."`
	ID   string `arg:"" help:"ID of the API key, key_…; never the key itself."`
}

// on does the work at the office, and refuses a key where an ID belongs: command
// lines are seen by others.
func (f keyFlags) on(p *program, do func(o office, id auth.APIKeyID) error) error {
	if _, whole := apikey.Parse(f.ID); whole {
		return usage("that is the key itself, with its secret, and command lines are seen by others: revoke it, and give the ID that gatehouse api-key list shows")
	}
	return f.at(p, false, func(o office) error {
		err := do(o, auth.APIKeyID(f.ID))
		if errors.Is(err, auth.CodeNotFound) {
			return fmt.Errorf("there is no API key %q; gatehouse api-key list shows them all", f.ID)
		}
		return err
	})
}

type apiKeyShowCmd struct{ keyFlags }

// Run shows one key.
func (c *apiKeyShowCmd) Run(p *program) error {
	return c.on(p, func(o office, id auth.APIKeyID) error {
		k, err := o.APIKey(p.ctx, id)
		if err != nil {
			return err
		}
		out := jsonAPIKey(k)
		if c.JSON {
			return printJSON(p.stdout, out)
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		for _, line := range [][2]string{
			{"ID", string(k.ID)}, {"Name", k.Name}, {"Of", ownerOf(k)}, {"Made by", k.CreatedBy}, {"Environment", k.Environment},
			{"Roles", strings.Join(k.Roles, ", ")}, {"Scopes", strings.Join(k.Scopes, ", ")}, {"Networks", strings.Join(out.Networks, ", ")},
			{"Rate", out.Rate}, {"State", out.State}, {"Replaced by", string(k.ReplacedBy)}, {"Made", when(k.CreatedAt)}, {"Expires", when(k.ExpiresAt)}, {"Last used", usedAt(k)},
		} {
			if line[1] != "" {
				fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
			}
		}
		return w.Flush()
	})
}

type apiKeyRotateCmd struct {
	keyFlags
	Overlap duration `help:"How long the old key goes on; 0s ends it at once (default ${default})." default:"1d" placeholder:"TIME"`
	Expires duration `help:"How long the new one is good, as 90d; otherwise what the settings say." placeholder:"TIME"`
}

// Run replaces the key. The new one alone goes to standard output.
func (c *apiKeyRotateCmd) Run(p *program) error {
	if c.Overlap < 0 || c.Expires < 0 {
		return usage("--overlap and --expires cannot be below zero")
	}
	return c.on(p, func(o office, id auth.APIKeyID) error {
		overlap := time.Duration(c.Overlap)
		done, err := o.RotateAPIKey(p.ctx, id, apikey.Rotation{Overlap: &overlap, Lifetime: time.Duration(c.Expires)})
		if err != nil {
			return err
		}
		return printSecretKey(p, c.JSON, done.Created, fmt.Sprintf(" %s goes on until %s UTC.", done.Old.ID, when(done.Old.ExpiresAt)))
	})
}

type apiKeyRevokeCmd struct{ keyFlags }

// Run ends the key.
func (c *apiKeyRevokeCmd) Run(p *program) error {
	return c.on(p, func(o office, id auth.APIKeyID) error {
		done, err := o.RevokeAPIKey(p.ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			out := jsonAPIKey(done.Key)
			out.Effective, out.PendingUntil = done.Effective, done.Latest.UTC()
			return printJSON(p.stdout, out)
		}
		if done.Effective == revocation.Everywhere {
			_, err = fmt.Fprintf(p.stdout, "%s revoked; it holds everywhere.\n", id)
		} else {
			_, err = fmt.Fprintf(p.stdout, "%s revoked; servers that have not confirmed it hold it by %s UTC at the latest.\n", id, done.Latest.UTC().Format("15:04:05"))
		}
		return err
	})
}
