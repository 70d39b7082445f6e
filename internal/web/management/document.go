package management

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// intro is the document's description.
const intro = `Users, sessions, roles, API keys and the audit record of this installation.

Show an API key (` + "`x-api-key`" + `, or ` + "`Authorization: Bearer`" + `), an access token, or the cookie of a session; with the cookie, what changes something is sent as JSON from the site's own pages. Each operation names the permission it needs. Without it the answer is 403 whatever is asked for, and never says whether it exists.

A change says in ` + "`If-Match`" + ` which ` + "`ETag`" + ` it has seen. What is made with an ` + "`Idempotency-Key`" + ` is made once in 24 hours, however often the request comes. Lists have a cursor and a ` + "`Link`" + ` to the next page. Refusals are problem documents (RFC 9457), whose ` + "`code`" + ` never changes its meaning.`

// tags are the parts of the document.
var tags = [...][2]string{
	{"users", "The people."},
	{"sessions", "Where they are signed in."},
	{"accounts", "What they were called elsewhere."},
	{"invitations", "What lets people sign up."},
	{"roles", "What may be granted."},
	{"api-keys", "The keys of programs."},
	{"audit", "What happened."},
	{"self", "Who asks."},
}

// openAPI is the document in the form that is served (OpenAPI 3.1.0).
func (h *Handler) openAPI() []byte {
	api := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Gatehouse management API", Version: h.Version, Description: intro},
		Servers: []*huma.Server{{URL: Base}},
		Components: &huma.Components{
			Schemas: h.schemas.Registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"apiKey":  {Type: "apiKey", In: "header", Name: "x-api-key", Description: "An API key."},
				"bearer":  {Type: "http", Scheme: "bearer", Description: "An API key, or an access token for Gatehouse itself."},
				"session": {Type: "apiKey", In: "cookie", Name: "next-auth.session-token", Description: "The session's cookie; its name depends on the settings."},
			},
		},
		Security: []map[string][]string{{"apiKey": {}}, {"bearer": {}}, {"session": {}}},
	}
	for _, t := range tags {
		api.Tags = append(api.Tags, &huma.Tag{Name: t[0], Description: t[1]})
	}
	for _, o := range h.table {
		api.AddOperation(h.described(o))
	}
	b, err := json.MarshalIndent(api, "", "  ")
	if err != nil {
		panic(err)
	}
	return append(b, '\n')
}

// described is the operation of the document.
func (h *Handler) described(o *operation) *huma.Operation {
	d := &huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Tags: []string{o.tag}, Summary: o.summary, Description: o.description,
		Responses: map[string]*huma.Response{}, Extensions: map[string]any{},
	}
	if o.permission != "" {
		d.Extensions["x-permission"] = string(o.permission)
		d.Description = strings.TrimSpace(d.Description + "\n\nPermission: `" + string(o.permission) + "`.")
	}
	for segment := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			d.Parameters = append(d.Parameters, &huma.Param{Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: "string"}})
		}
	}
	if o.query != nil {
		d.Parameters = append(d.Parameters, h.parameters(reflect.TypeOf(o.query))...)
	}
	if o.ifMatch {
		d.Parameters = append(d.Parameters, &huma.Param{Name: "If-Match", In: "header", Required: true, Description: "The ETag that was read, or * for whichever.", Schema: &huma.Schema{Type: "string"}})
	}
	if o.once {
		d.Parameters = append(d.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Description: "The same request again with the same key makes nothing new for 24 hours.", Schema: &huma.Schema{Type: "string"}})
	}
	if o.body != nil {
		content := map[string]*huma.MediaType{"application/json": {Schema: h.schemas.of(o.body)}}
		if o.method == http.MethodPatch {
			content[mergePatch] = &huma.MediaType{Schema: h.schemas.of(o.body)}
		}
		d.RequestBody = &huma.RequestBody{Required: !o.bodyless, Content: content}
	}
	h.success(o, d)
	h.refusals(o, d)
	return d
}

func (h *Handler) parameters(t reflect.Type) (list []*huma.Param) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("query")
		schema := huma.SchemaFromField(h.schemas.Registry, f, name)
		schema.Nullable = false // a pointer is one that may be left out; there is no null in an address
		list = append(list, &huma.Param{
			Name: name, In: "query", Description: f.Tag.Get("doc"), Schema: schema,
			Required: f.Tag.Get("required") == "true",
		})
	}
	return list
}

// success describes the good answer.
func (h *Handler) success(o *operation, d *huma.Operation) {
	status := o.successStatus()
	r := &huma.Response{Description: http.StatusText(status), Headers: map[string]*huma.Param{}}
	header := func(name, about string) {
		r.Headers[name] = &huma.Header{Description: about, Schema: &huma.Schema{Type: "string"}}
	}
	if o.answer != nil {
		r.Content = map[string]*huma.MediaType{"application/json": {Schema: h.schemas.of(o.answer)}}
	}
	if o.versioned {
		header("ETag", "The version of what is answered.")
	}
	if status == http.StatusCreated {
		header("Location", "Where it is.")
	}
	if o.once {
		header("Idempotency-Replayed", "\"true\" when an earlier request with the same key made it. Secrets are left out then.")
	}
	if o.query != nil && hasParam(reflect.TypeOf(o.query), "cursor") {
		header("Link", "The next page, rel=\"next\".")
	}
	d.Responses[strconv.Itoa(status)] = r
}

// usual are the refusals of every operation.
var usual = []auth.Code{
	auth.CodeInvalidRequest, auth.CodeSignedOut, auth.CodeSessionExpired, auth.CodeInvalidToken, auth.CodeInvalidAPIKey, auth.CodeForbidden, auth.CodeCSRF,
	auth.CodeTooManyAttempts, auth.CodeUnavailable,
}

// refusals describes the bad answers, the codes of each status together.
func (h *Handler) refusals(o *operation, d *huma.Operation) {
	codes := append(slices.Clone(usual), o.codes...)
	if o.once {
		codes = append(codes, auth.CodeKeyReused, auth.CodeUnderWay)
	}
	byStatus := map[int][]string{}
	for _, c := range codes {
		status, ok := statuses[c]
		if !ok {
			status = web.Status(c)
		}
		byStatus[status] = append(byStatus[status], "`"+string(c)+"`")
	}
	problem := h.schemas.of(web.Problem{})
	for status, names := range byStatus {
		d.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status) + ": " + strings.Join(names, ", "),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}
	}
}
