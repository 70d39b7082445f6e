package ops

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// ProbeHeader and ProbeQuery carry the mark of a probe: "nonce.mac". It goes
// both ways at once, because some proxies drop headers that they do not know.
const (
	ProbeHeader = "Gatehouse-Probe"
	ProbeQuery  = "gatehouse-probe"
)

// Limits on what is kept of probes.
const (
	keptProbes = 256
	keptValues = 8   // of each kind, for each probe
	keptBytes  = 200 // of each value
	keptTwins  = 4   // with one nonce: a proxy may ask twice
)

// markLife is how long a mark is good: it travels in the clear, and whoever reads
// it on the way could use it again. markSkew is how far clocks may differ.
const (
	markLife = 5 * time.Minute
	markSkew = time.Minute
)

// forwarding are the headers by which hops in front say something of the
// caller or of themselves. The one named by client_address.header is kept
// beside them.
var forwarding = []string{
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded", "Via",
	"X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip", "X-Client-Ip",
}

// Seen is what the server saw of one probe.
type Seen struct {
	Nonce     string `json:"nonce"`
	RequestID string `json:"request_id"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Host      string `json:"host"`
	// Peer is the other end of the connection, address and port.
	Peer string `json:"peer"`
	// Client is the resolved address of the caller; empty means unknown.
	Client string `json:"client"`
	// TLS: the connection itself was encrypted.
	TLS bool `json:"tls"`
	// Forwarding are the lines of the headers that hops in front set, by their
	// canonical names, and Cookies the names of the cookies that came.
	Forwarding map[string][]string `json:"forwarding"`
	Cookies    []string            `json:"cookies"`
	At         time.Time           `json:"at"`
}

// Probes keeps what the server saw of the last probes of "gatehouse doctor",
// in memory. A request is a probe if it carries a mark made with one of
// Gatehouse's own secrets in the last minutes; of every other request nothing
// is kept. Whoever reads a mark on its way can use it until then, and have a few
// lines of 200 bytes remembered. It is safe for concurrent use.
type Probes struct {
	keys   [][]byte
	header string
	now    func() time.Time

	mu   sync.Mutex
	kept []Seen
	next int
}

// NewProbes takes Gatehouse's own secrets, the header in which the address of
// the caller is looked for, and the clock (nil means time.Now).
func NewProbes(secrets []auth.Secret, header string, now func() time.Time) (*Probes, error) {
	if now == nil {
		now = time.Now
	}
	p := &Probes{header: textproto.CanonicalMIMEHeaderKey(header), now: now}
	for _, s := range secrets {
		key, err := probeKey(s)
		if err != nil {
			return nil, err
		}
		p.keys = append(p.keys, key)
	}
	return p, nil
}

func probeKey(s auth.Secret) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, []byte(s.Reveal()), nil, "gatehouse doctor probe v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive probe key: %w", err)
	}
	return key, nil
}

func probeMAC(key []byte, nonce string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(nonce))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Mark makes a fresh nonce, which tells the time, and the mark that proves it.
func Mark(secret auth.Secret, now time.Time) (nonce, mark string, err error) {
	key, err := probeKey(secret)
	if err != nil {
		return "", "", err
	}
	nonce = strconv.FormatInt(now.Unix(), 36) + "-" + strings.ToLower(rand.Text())
	return nonce, nonce + "." + probeMAC(key, nonce), nil
}

// Note keeps r if it is a probe. It serves web.RouterOptions.Seen.
func (p *Probes) Note(r *http.Request, f *web.Facts) {
	mark := r.Header.Get(ProbeHeader)
	if mark == "" && strings.Contains(r.URL.RawQuery, ProbeQuery) {
		mark = r.URL.Query().Get(ProbeQuery)
	}
	if mark == "" {
		return
	}
	nonce, mac, _ := strings.Cut(mark, ".")
	if len(nonce) > 64 || !p.recent(nonce) || !slices.ContainsFunc(p.keys, func(key []byte) bool { return hmac.Equal([]byte(probeMAC(key, nonce)), []byte(mac)) }) {
		return
	}
	s := Seen{
		Nonce: nonce, RequestID: f.RequestID, Method: short(r.Method), Path: short(r.URL.Path), Host: short(r.Host), Peer: r.RemoteAddr,
		TLS: r.TLS != nil, Forwarding: map[string][]string{}, Cookies: []string{}, At: p.now().UTC(),
	}
	if f.Device.Address.IsValid() {
		s.Client = f.Device.Address.String()
	}
	for _, name := range append(slices.Clone(forwarding), p.header) {
		if lines := r.Header[name]; len(lines) > 0 {
			lines = slices.Clone(lines[max(0, len(lines)-keptValues):]) // the last ones are the nearest hops'
			for i := range lines {
				lines[i] = shortEnd(lines[i])
			}
			s.Forwarding[name] = lines
		}
	}
	for _, c := range r.Cookies() {
		if len(s.Cookies) < 4*keptValues {
			s.Cookies = append(s.Cookies, short(c.Name))
		}
	}
	p.keep(s)
}

// recent says whether the mark was made in the last minutes.
func (p *Probes) recent(nonce string) bool {
	made, _, _ := strings.Cut(nonce, "-")
	seconds, err := strconv.ParseInt(made, 36, 64)
	age := p.now().Unix() - seconds
	return err == nil && age <= int64(markLife/time.Second) && age >= -int64(markSkew/time.Second)
}

func (p *Probes) keep(s Seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	twins := 0
	for i := range p.kept {
		if p.kept[i].Nonce == s.Nonce {
			twins++
		}
	}
	if twins >= keptTwins {
		return
	}
	if len(p.kept) < keptProbes {
		p.kept = append(p.kept, s)
		return
	}
	p.kept[p.next] = s
	p.next = (p.next + 1) % keptProbes
}

// Find returns what was seen with the nonce, oldest first; nothing when no such
// probe arrived or it is forgotten.
func (p *Probes) Find(nonce string) (found []Seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.kept {
		if s := p.kept[(p.next+i)%len(p.kept)]; s.Nonce == nonce {
			found = append(found, s)
		}
	}
	return found
}

// short is a copy: a part of the line would keep the whole of it in memory.
func short(s string) string { return strings.Clone(s[:min(len(s), keptBytes)]) }

// shortEnd keeps the end: lists are read from the right.
func shortEnd(s string) string { return strings.Clone(s[max(0, len(s)-keptBytes):]) }
