package management

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// mergePatch is the content type of RFC 7396; application/json means the same
// here.
const mergePatch = "application/merge-patch+json"

// schemas are those of the OpenAPI document, by which bodies are judged too.
type schemas struct{ huma.Registry }

func newSchemas() schemas {
	return schemas{huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)}
}

// of is the schema of a value's type.
func (s schemas) of(zero any) *huma.Schema { return s.Schema(reflect.TypeOf(zero), true, "") }

// judge refuses what the schema does not have, naming the first member that is
// wrong. A member that no schema names is refused and not passed over: whoever
// sends "epoch" or "roles" where there are none believes that it has an effect.
func (s schemas) judge(schema *huma.Schema, at string, value any) error {
	path := huma.NewPathBuffer(nil, 0)
	if at != "" {
		path.Push(at)
	}
	var found huma.ValidateResult
	huma.Validate(s.Registry, schema, path, huma.ModeWriteToServer, value, &found)
	if len(found.Errors) == 0 {
		return nil
	}
	refused := &auth.Error{Code: auth.CodeInvalidRequest, Cause: found.Errors[0]}
	var detail *huma.ErrorDetail
	if errors.As(found.Errors[0], &detail) {
		refused.Field = strings.TrimPrefix(detail.Location, "body.")
		refused.Message = strings.ToUpper(detail.Message[:1]) + detail.Message[1:] + "."
	}
	return refused
}

// body reads and judges the body of the operation.
func (h *Handler) body(c *call, w http.ResponseWriter) (err error) {
	o := c.op
	if o.body == nil || o.bodyless && c.ContentLength == 0 {
		if o.body != nil {
			c.body = fresh(o.body)
			return nil
		}
		return noBody(w, c.Request)
	}
	media, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if media != "application/json" && !(o.method == http.MethodPatch && media == mergePatch) {
		return &auth.Error{
			Code: auth.CodeInvalidRequest, Message: "Send the body as application/json.",
			Cause: web.WithStatus(http.StatusUnsupportedMediaType, errors.New("content type is not JSON")),
		}
	}
	if c.raw, err = web.ReadBody(w, c.Request); err != nil {
		return err
	}
	var any map[string]any
	if err := web.UnmarshalObject(c.raw, &any); err != nil {
		return err
	}
	if err := h.schemas.judge(h.schemas.of(o.body), "", any); err != nil {
		return err
	}
	c.body = fresh(o.body)
	return web.UnmarshalObject(c.raw, c.body)
}

// noBody refuses a body where none is read: whoever sends one believes that it
// has an effect. The empty object, which makes a JSON content type honest, is
// none.
func noBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	b, err := web.ReadShortBody(w, r, 1024)
	if err != nil {
		return err
	}
	if text := strings.TrimSpace(string(b)); text != "" && text != "{}" {
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "This operation reads no body."}
	}
	return nil
}

// readQuery reads the query of the address into the struct that to points to. A
// parameter that it does not have is refused, and one that comes twice.
func (h *Handler) readQuery(r *http.Request, to any) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &auth.Error{Code: auth.CodeInvalidRequest, Message: "The query of the address is not well formed.", Cause: err}
	}
	v := reflect.ValueOf(to).Elem()
	known := 0
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("query")
		texts, there := values[name]
		if !there {
			continue
		}
		known++
		if len(texts) > 1 {
			return &auth.Error{Code: auth.CodeInvalidRequest, Field: name, Message: "Give the parameter once."}
		}
		if err := h.setParam(v.Field(i), f, name, texts[0]); err != nil {
			return err
		}
	}
	if known == len(values) {
		return nil
	}
	for name := range values {
		if !hasParam(v.Type(), name) {
			return &auth.Error{Code: auth.CodeInvalidRequest, Field: name, Message: "There is no such parameter here."}
		}
	}
	return nil
}

func hasParam(t reflect.Type, name string) bool {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("query") == name {
			return true
		}
	}
	return false
}

// setParam brings the text of one parameter into its field.
func (h *Handler) setParam(to reflect.Value, f reflect.StructField, name, text string) error {
	var value any = text
	switch deref(f.Type) {
	case reflect.TypeFor[bool]():
		b, err := strconv.ParseBool(text)
		if value = b; err != nil || text != "true" && text != "false" {
			value = text
		}
	case reflect.TypeFor[int]():
		if n, err := strconv.Atoi(text); err == nil {
			value = n
		}
	}
	if err := h.schemas.judge(huma.SchemaFromField(h.schemas.Registry, f, name), name, value); err != nil {
		return err
	}
	if f.Type.Kind() == reflect.Pointer {
		to.Set(reflect.New(f.Type.Elem()))
		to = to.Elem()
	}
	if to.Type() == reflect.TypeFor[time.Time]() {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return &auth.Error{Code: auth.CodeInvalidRequest, Field: name, Message: "Give a time as 2026-01-31T12:00:00Z."}
		}
		value = t
	}
	to.Set(reflect.ValueOf(value).Convert(to.Type()))
	return nil
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// patched is a member of a merge patch (RFC 7396): left out, null, or a value.
type patched[T any] struct {
	set   bool
	value T
}

// UnmarshalJSON implements json.Unmarshaler. Null is the zero value.
func (p *patched[T]) UnmarshalJSON(b []byte) error {
	p.set = true
	if string(b) == "null" {
		return nil
	}
	return json.Unmarshal(b, &p.value)
}

// IsZero says for omitzero whether the member was left out.
func (p patched[T]) IsZero() bool { return !p.set }

// pointer is nil for a member that was left out.
func (p patched[T]) pointer() *T {
	if !p.set {
		return nil
	}
	return &p.value
}

// Schema implements huma.SchemaProvider.
func (patched[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), true, "")
	s.Nullable = true
	return &s
}
