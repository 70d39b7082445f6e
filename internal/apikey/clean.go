package apikey

import (
	"net/netip"
	"slices"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/rbac"
)

// clean brings the members of a key that people give into their kept form, and
// refuses what is none. Code: invalid_request, invalid_name.
func clean(policy *rbac.Policy, k *auth.APIKey) (err error) {
	if k.Name, err = auth.CleanName(k.Name); err != nil {
		return err
	}
	if k.Name == "" {
		return &auth.Error{Code: auth.CodeInvalidName, Field: "name", Message: "Give the API key a name that says what it is for."}
	}
	if k.Roles, err = auth.CleanRoles(k.Roles); err != nil {
		return err
	}
	for _, name := range k.Roles {
		if _, known := policy.Role(name); policy.Defined() && !known {
			return wrong("roles", "There is no role %q.", name)
		}
	}
	if k.Scopes, err = cleanScopes(k.Scopes); err != nil {
		return err
	}
	if k.Networks, err = cleanNetworks(k.Networks); err != nil {
		return err
	}
	if l := k.RateLimit; l != (auth.RateLimit{}) &&
		(l.Requests < 1 || l.Requests > maxRequests || l.Period < time.Second || l.Period > maxPeriod || l.Period/time.Duration(l.Requests) < time.Microsecond) {
		return wrong("rate_limit", "Give a number of requests from 1 to %d and a time from one second to a day, or neither.", maxRequests)
	}
	return nil
}

// cleanScopes sorts, and removes doubles.
func cleanScopes(scopes []string) ([]string, error) {
	list := slices.Clone(scopes)
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > maxScopes {
		return nil, wrong("scopes", "At most %d scopes.", maxScopes)
	}
	for _, s := range list {
		if len(s) > maxScopeText {
			return nil, wrong("scopes", "A scope has at most %d characters.", maxScopeText)
		}
		if _, err := rbac.ParsePattern(s); err != nil {
			return nil, auth.WithField(err, "scopes")
		}
	}
	return list, nil
}

// cleanNetworks sorts, and removes doubles and bits that do not count. IPv4 has
// one spelling.
func cleanNetworks(networks []netip.Prefix) ([]netip.Prefix, error) {
	if len(networks) > maxNetworks {
		return nil, wrong("networks", "At most %d networks.", maxNetworks)
	}
	var list []netip.Prefix
	for _, n := range networks {
		if n.Addr().Is4In6() {
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
		}
		if !n.IsValid() || n.Addr().Zone() != "" {
			return nil, wrong("networks", "A network is written as 192.0.2.0/24 or 2001:db8::/32.")
		}
		list = append(list, n.Masked())
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	return slices.Compact(list), nil
}
