package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed style.css
var style []byte

// app is the program: what it shows, and to whom.
type app struct {
	gate  *gatehouse.Gatehouse
	notes *notebook
	pages *template.Template
}

// rules say what people may do, and how often.
func rules(cfg *gatehouse.Config) {
	cfg.Roles = []gatehouse.RoleDefinition{
		{Name: "user", Permissions: []string{"notes:*"}},
		{Name: "admin", Permissions: []string{"people:*"}},
	}
	cfg.RateLimits = []gatehouse.RateLimitPolicy{{Name: "api", Per: []string{"principal"}, Burst: 100, Period: time.Minute}}
}

// newApp returns everything the program serves. What each address asks for is
// said here and nowhere else.
func newApp(g *gatehouse.Gatehouse) http.Handler {
	a := &app{gate: g, notes: newNotebook(), pages: template.Must(template.ParseFS(templates, "templates/*.html"))}
	reads, writes := g.Require(gatehouse.Permission("notes:read")), g.Require(gatehouse.Permission("notes:write"))
	admins := g.Require(gatehouse.Permission("people:manage"))

	mux := http.NewServeMux()
	mux.Handle("/api/auth/", g.Handler()) // signing in and out, signing up, the session

	mux.HandleFunc("GET /{$}", a.front)
	mux.HandleFunc("GET /style.css", serveStyle)

	mux.Handle("GET /notes", reads(http.HandlerFunc(a.notesPage)))
	mux.Handle("POST /notes", writes(http.HandlerFunc(a.addByForm)))
	mux.Handle("GET /api/me", g.Protect("api")(http.HandlerFunc(a.me)))
	mux.Handle("GET /api/notes", g.Protect("api", gatehouse.Permission("notes:read"))(http.HandlerFunc(a.listNotes)))
	mux.Handle("POST /api/notes", g.Protect("api", gatehouse.Permission("notes:write"))(http.HandlerFunc(a.addByJSON)))

	mux.Handle("GET /admin", admins(http.HandlerFunc(a.users)))
	mux.Handle("POST /admin/disable", admins(http.HandlerFunc(a.disable)))
	mux.Handle("POST /admin/enable", admins(http.HandlerFunc(a.enable)))
	return withPolicy(mux)
}

// withPolicy says what pages may do: nothing but show our stylesheet and send
// forms to us. Gatehouse's own pages replace it by theirs.
func withPolicy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// front is for everybody. Which links it has rests on a guess, which costs
// nothing; what is behind them is asked for there.
func (a *app) front(w http.ResponseWriter, r *http.Request) {
	h := a.gate.Hint(r)
	w.Header().Set("Vary", "Cookie")
	w.Header().Set("Cache-Control", "private, no-cache")
	a.show(w, "front.html", struct{ SignedIn, Admin bool }{h.ProbablySignedIn(), h.ProbablyHasRole("admin")})
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(style)
}

// notesPage shows somebody's notes. Behind Require there is always a Principal.
func (a *app) notesPage(w http.ResponseWriter, r *http.Request) {
	p, _ := gatehouse.PrincipalFrom(r.Context())
	access := a.gate.Access(r)
	u, err := access.Me(r.Context()) // the one read of the database
	if err != nil {
		access.Refuse(w, err)
		return
	}
	a.show(w, "notes.html", struct {
		User  gatehouse.Profile
		Since time.Time
		Notes []note
	}{u, p.SignedInAt, a.notes.of(p.UserID)})
}

// addByForm needs no CSRF token: Require has refused every form that did not
// come from our own pages.
func (a *app) addByForm(w http.ResponseWriter, r *http.Request) {
	p, _ := gatehouse.PrincipalFrom(r.Context())
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := a.notes.add(p.UserID, r.PostFormValue("text")); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, "/notes", http.StatusSeeOther)
}

// me shows a Profile, which holds nothing that is not to be shown.
func (a *app) me(w http.ResponseWriter, r *http.Request) {
	access := a.gate.Access(r)
	u, err := access.Me(r.Context())
	if err != nil {
		access.Refuse(w, err)
		return
	}
	writeJSON(w, http.StatusOK, u)
}

func (a *app) listNotes(w http.ResponseWriter, r *http.Request) {
	p, _ := gatehouse.PrincipalFrom(r.Context())
	writeJSON(w, http.StatusOK, a.notes.of(p.UserID))
}

func (a *app) addByJSON(w http.ResponseWriter, r *http.Request) {
	p, _ := gatehouse.PrincipalFrom(r.Context())
	var in struct {
		Text string `json:"text"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in)
	if err == nil {
		err = a.notes.add(p.UserID, in.Text)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "send {\"text\": \"…\"} of 1 to 500 bytes"})
		return
	}
	writeJSON(w, http.StatusCreated, map[string]bool{"success": true})
}

// users lists everybody, for administrators.
func (a *app) users(w http.ResponseWriter, r *http.Request) {
	list, err := a.gate.Users().List(r.Context(), "", 100)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.show(w, "admin.html", list)
}

// disable ends all sessions of a user: their next request is nobody's.
func (a *app) disable(w http.ResponseWriter, r *http.Request) {
	p, _ := gatehouse.PrincipalFrom(r.Context())
	a.change(w, r, func(id gatehouse.UserID) error {
		_, err := a.gate.Users().Disable(r.Context(), string(p.UserID), id)
		return err
	})
}

func (a *app) enable(w http.ResponseWriter, r *http.Request) {
	p, _ := gatehouse.PrincipalFrom(r.Context())
	a.change(w, r, func(id gatehouse.UserID) error {
		_, err := a.gate.Users().Enable(r.Context(), string(p.UserID), id)
		return err
	})
}

func (a *app) change(w http.ResponseWriter, r *http.Request, do func(id gatehouse.UserID) error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	id, err := auth.ParseUserID(r.PostFormValue("id"))
	if err != nil {
		http.Error(w, "That is no user.", http.StatusBadRequest)
		return
	}
	if err := do(id); err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

// fail answers what went wrong: Gatehouse's refusals have a sentence to show,
// and everything else is for the log.
func (a *app) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refused *gatehouse.Error
	switch {
	case errors.As(err, &refused) && refused.Code.Kind() == auth.KindUnavailable:
		w.Header().Set("Retry-After", "1")
		http.Error(w, refused.Text(), http.StatusServiceUnavailable)
	case errors.As(err, &refused) && refused.Code.Kind() == auth.KindNotFound:
		http.Error(w, refused.Text(), http.StatusNotFound)
	case errors.As(err, &refused) && refused.Code.Kind() == auth.KindInvalid:
		http.Error(w, refused.Text(), http.StatusBadRequest)
	default:
		slog.ErrorContext(r.Context(), "request failed", "err", err)
		http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
	}
}

// show writes a whole page, or none.
func (a *app) show(w http.ResponseWriter, page string, data any) {
	var b bytes.Buffer
	if err := a.pages.ExecuteTemplate(&b, page, data); err != nil {
		slog.Error("page failed", "page", page, "err", err)
		http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
