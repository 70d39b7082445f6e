package rbac

import (
	"fmt"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Limits on the text of a permission or a pattern.
const (
	// MaxPermissionLength is in bytes.
	MaxPermissionLength = 128
	// MaxSegments is how many segments a resource has at most.
	MaxSegments = 8
)

// reserved is the first segment of the resources of Gatehouse's own permissions.
const reserved = "gatehouse"

// Permission is one thing that may be done: an action on a resource. The zero
// Permission is nothing, and nobody has it.
type Permission struct {
	text  string
	colon int
}

// ParsePermission reads a permission as "orders:read" or
// "billing.invoices:read": segments divided by dots, a colon, an action. Each
// part has at least one of a–z, 0–9, hyphen and underscore, and nothing else; so
// there is no asterisk in a permission. Codes: invalid_request.
func ParsePermission(text string) (Permission, error) {
	q, fault := scan(text)
	if fault == "" && q.wild() {
		fault = "only roles and scopes have *"
	}
	if fault != "" {
		return Permission{}, refuse("permission", text, fault)
	}
	return Permission{text: text, colon: len(q.resource)}, nil
}

// String is the text that was parsed.
func (p Permission) String() string { return p.text }

// Resource is what stands before the colon.
func (p Permission) Resource() string { return p.text[:p.colon] }

// Action is what stands behind the colon.
func (p Permission) Action() string {
	if p.IsZero() {
		return ""
	}
	return p.text[p.colon+1:]
}

// IsZero says whether it is the zero Permission.
func (p Permission) IsZero() bool { return p.text == "" }

// Pattern stands for the permissions that it matches. The zero Pattern matches
// nothing.
type Pattern struct {
	text string
	// resource is without its asterisk: "billing" of "billing.*", and empty for
	// the asterisk alone.
	resource, action string
	reach            reach
}

// reach says which resources a pattern means.
type reach uint8

const (
	nothing reach = iota
	exactly       // the resource that is named
	below         // those with one or more further segments
	all           // all that are not reserved
)

// anyAction is the action that stands for all.
const anyAction = "*"

// ParsePattern reads what a role or a scope says: a permission, in which
//
//   - the action may be *, which is any action;
//   - the resource may be *, which is any resource except Gatehouse's own;
//   - the resource may end in ".*", which is any resource that begins with what
//     stands before and has one or more further segments.
//
// There is no other asterisk. "billing.*:read" matches "billing.invoices:read",
// but neither "billing:read" nor "billingx.a:read". Codes: invalid_request.
func ParsePattern(text string) (Pattern, error) {
	q, fault := scan(text)
	if fault != "" {
		return Pattern{}, refuse("permission", text, fault)
	}
	return q, nil
}

// IsPattern says whether a scope has the form of a permission or a pattern: then
// it narrows what a credential may do. Others, such as "profile", do not.
func IsPattern(scope string) bool {
	_, fault := scan(scope)
	return fault == ""
}

// String is the text that was parsed.
func (q Pattern) String() string { return q.text }

// wild says whether it may match more than one permission.
func (q Pattern) wild() bool { return q.reach != exactly || q.action == anyAction }

// Matches says whether the permission is one of those the pattern stands for.
func (q Pattern) Matches(p Permission) bool {
	if p.IsZero() || q.action != anyAction && q.action != p.Action() {
		return false
	}
	return q.reaches(p.Resource())
}

// reaches says whether the pattern means the resource.
func (q Pattern) reaches(resource string) bool {
	switch q.reach {
	case exactly:
		return q.resource == resource
	case below:
		return isBelow(resource, q.resource)
	case all:
		return !isReserved(resource)
	}
	return false
}

// Covers says whether the pattern matches whatever the other one matches.
func (q Pattern) Covers(other Pattern) bool {
	if q.action != anyAction && q.action != other.action {
		return false
	}
	switch {
	case other.reach == nothing || q.reach == nothing:
		return false
	case other.reach == exactly:
		return q.reaches(other.resource)
	case other.reach == all:
		return q.reach == all
	case q.reach == below:
		return q.resource == other.resource || isBelow(other.resource, q.resource)
	}
	return q.reach == all && !isReserved(other.resource)
}

// isBelow says whether the resource has further segments behind the stem.
func isBelow(resource, stem string) bool {
	return len(resource) > len(stem) && resource[len(stem)] == '.' && resource[:len(stem)] == stem
}

// isReserved says whether the resource is Gatehouse's own.
func isReserved(resource string) bool { return resource == reserved || isBelow(resource, reserved) }

// scan reads a pattern and says what is wrong with it. It allocates nothing: the
// scopes of a credential are read at each decision.
func scan(text string) (q Pattern, fault string) {
	if len(text) > MaxPermissionLength {
		return q, "it is longer than 128 bytes"
	}
	colon := strings.IndexByte(text, ':')
	if colon < 0 {
		return q, "it is not of the form resource:action"
	}
	q = Pattern{text: text, resource: text[:colon], action: text[colon+1:], reach: exactly}
	if q.resource == "*" {
		q.resource, q.reach = "", all
	} else {
		if stem, found := strings.CutSuffix(q.resource, ".*"); found {
			q.resource, q.reach = stem, below
		}
		if fault := scanResource(q.resource); fault != "" {
			return Pattern{}, fault
		}
	}
	if q.action != anyAction && !isPart(q.action) {
		return Pattern{}, "its action is not * or one or more of a-z, 0-9, - and _"
	}
	return q, ""
}

func scanResource(resource string) (fault string) {
	segments := 1
	for {
		first, rest, more := strings.Cut(resource, ".")
		if !isPart(first) {
			return "its resource is not segments of a-z, 0-9, - and _, divided by dots; a * stands alone or as the last segment"
		}
		if !more {
			return ""
		}
		if segments++; segments > MaxSegments {
			return "its resource has more than 8 segments"
		}
		resource = rest
	}
}

// isPart says whether the text is a segment or an action: bytes of a small
// alphabet, so that no two texts look alike and none has two forms.
func isPart(text string) bool {
	for i := range len(text) {
		c := text[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return text != ""
}

// refuse names the text, cut, in a sentence that may be shown.
func refuse(what, text, fault string) error {
	return &auth.Error{Code: auth.CodeInvalidRequest, Field: "permissions", Message: fmt.Sprintf("%s is no %s: %s.", shown(text), what, fault)}
}

// shown is text from outside as a sentence may quote it.
func shown(text string) string {
	const most = 64
	if len(text) > most {
		return fmt.Sprintf("%.*q…", most, text[:most])
	}
	return fmt.Sprintf("%q", text)
}
