package gatehouse_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A Handler that is mounted where it finds nothing says so, once, and repeats
// nothing that a stranger wrote.
func TestHandler_saysOnceThatItIsMountedAtTheWrongPath(t *testing.T) {
	for name, c := range map[string]struct {
		paths  []string
		action string // empty: no line
	}{
		"another pattern":   {[]string{"/auth/signin", "/auth/signin", "/auth/session"}, "signin"},
		"a prefix cut off":  {[]string{"/callback/credentials?a=b", "/session"}, "callback"},
		"told apart":        {[]string{"/", "/favicon.ico", "/wp-login.php", "/signin/x", "/credentials"}, ""},
		"mounted rightly":   {[]string{"/api/auth/csrf", "/auth/signin", "/signin"}, ""},
		"a stranger's text": {[]string{"/%0Alevel=ERROR%20msg=forged/signin"}, "signin"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines bytes.Buffer
			cfg := config(t)
			cfg.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
			g := open(t, cfg)
			lines.Reset()
			for _, path := range c.paths {
				g.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
			}
			got := lines.String()
			if c.action == "" {
				if strings.Contains(got, "Mount.BasePath") {
					t.Errorf("logged %s", got)
				}
				return
			}
			if strings.Count(got, "Mount.BasePath") != 1 || !strings.Contains(got, "action="+c.action+" base_paths=/api/auth") || strings.Contains(got, "forged") {
				t.Errorf("logged %q, want one line about %s", got, c.action)
			}
		})
	}
}
