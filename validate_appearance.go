package gatehouse

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/web/pages"
	"github.com/gatehouse-auth/gatehouse/internal/web/pages/theme"
	"github.com/gatehouse-auth/gatehouse/internal/web/portal"
)

func (c Config) checkAppearance(p *Problems) {
	a := c.Appearance
	look := theme.Default()
	p.accent("appearance.accent", a.Accent, look.Light, "a light page")
	p.accent("appearance.accent_dark", a.AccentDark, look.Dark, "a dark page")
	if n, ok := pixels(a.Radius); !ok || n > theme.MaxRadius {
		p.add("appearance.radius", "give 0px to 24px", "%q is no such radius", a.Radius)
	}
	for _, link := range []struct {
		field, address string
		mail           bool
	}{
		{"appearance.terms_url", a.TermsURL, false}, {"appearance.privacy_url", a.PrivacyURL, false}, {"appearance.support_url", a.SupportURL, true},
	} {
		if link.address == "" {
			continue
		}
		if problem := c.linkProblem(link.address, link.mail); problem != "" {
			cure := "give an https address, or a path such as /terms"
			if link.mail {
				cure = "give an https address, a path such as /help, or mailto: and an address"
			}
			p.add(link.field, cure, "%q %s", link.address, problem)
		}
	}
	if all := pages.Languages(); !slices.Contains(all, a.Language) {
		p.add("appearance.language", "say one of "+strings.Join(all, ", "), "%q is not a language that the pages speak", a.Language)
	}
}

// accent refuses a colour that people could not read as a link or see as the
// focus ring. Text on it is no question: black or white can always be read.
func (p *Problems) accent(field, text string, s theme.Scheme, where string) {
	if text == "" {
		return
	}
	c, err := theme.Parse(text)
	if err != nil {
		p.add(field, "write it as #rrggbb, for instance "+s.Accent.String(), "%q is not a colour", text)
		return
	}
	if ratio, nearest := s.Readable(c); ratio < theme.TextContrast {
		p.add(field, "write "+nearest.String()+", the nearest that can be read, or another",
			"%s has a contrast of %s:1 on %s and needs 4.5:1 (WCAG 2.2)", c, hundredths(ratio), where)
	}
}

// hundredths prints a ratio rounded down, so that 4.499 is not said to be the
// 4.5 that it lacks.
func hundredths(ratio float64) string {
	return strconv.FormatFloat(float64(int(ratio*100))/100, 'f', 2, 64)
}

// checkCSPReportURL accepts what may stand in the policy of a page and in a
// header: a semicolon would begin another directive, a comma another policy.
func (c Config) checkCSPReportURL(p *Problems) {
	s := c.CSPReportURL
	if s == "" {
		return
	}
	problem := c.linkProblem(s, false)
	if strings.ContainsFunc(s, func(r rune) bool { return r > '~' || strings.ContainsRune(`;,"'<>#`, r) }) {
		problem = "has characters that cannot stand in a policy; write them in percent signs and hexadecimal digits"
	}
	if i := c.mountOf(s); problem == "" && i >= 0 && c.absolute(s) != c.PublicOrigin+c.ownReports(i) && strings.HasPrefix(c.absolute(s), c.PublicOrigin+"/") {
		p.note("csp_report_url", say("give %s, or an address elsewhere", c.ownReports(i)),
			say("%q is below the base path of %s, and takes no reports", s, setting(fmt.Sprintf("mounts[%d]", i))))
	}
	if problem != "" {
		p.add("csp_report_url", "give an https address, or a path such as /api/auth/csp-report", "%q %s", s, problem)
	}
}

// ownReports is the path at which a mount takes reports.
func (c Config) ownReports(i int) string { return c.Mounts[i].BasePath + portal.ReportPath }

// linkProblem accepts what may stand in a link of a page that people trust with
// a password: https, or a path on the public origin.
func (c Config) linkProblem(s string, mayMail bool) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return "has blanks, control characters or backslashes"
	}
	u, err := url.Parse(s)
	if err != nil {
		return "is not an address"
	}
	switch {
	case mayMail && u.Scheme == "mailto":
		if _, err := mail.ParseAddress(u.Opaque); err != nil {
			return "has no e-mail address behind mailto:"
		}
	case strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//"):
	case c.PublicOrigin != "" && strings.HasPrefix(s, c.PublicOrigin+"/"):
	case u.Scheme != "https":
		return "is neither https nor a path on the public origin"
	case u.Host == "" || u.User != nil:
		return "has no host, or a user part"
	}
	return ""
}
