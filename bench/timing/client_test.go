package main

import (
	"strings"
	"testing"
)

// said is an answer as a server writes it.
func said(status, id, cookie, more, identifier string) answer {
	return answer{id: id, raw: []byte("HTTP/1.1 " + status + "\r\nDate: " + id + "\r\nSet-Cookie: a.b=" + cookie + "; Path=/; HttpOnly\r\nX-Request-Id: " + id +
		"\r\nContent-Security-Policy: script-src 'nonce-" + strings.Repeat(id[:1], 26) + "'\r\n\r\n{\"request_id\":\"" + id + "\",\"typed\":\"" + identifier + "\"" + more + "}")}
}

func TestComparable_passesOverWhatIsOfOneAnswerAlone(t *testing.T) {
	known := said("401 Unauthorized", "QRS", "one", "", "ann@timing.example").comparable("ann@timing.example")
	unknown := said("401 Unauthorized", "TUV", "two", "", "bob@timing.example").comparable("bob@timing.example")
	if known != unknown {
		t.Errorf("they differ:\n%s", firstDifference(known, unknown))
	}
	same := said("401 Unauthorized", "QRS", "one", "", "x").comparable("x")
	for name, other := range map[string]answer{
		"status":    said("403 Forbidden", "TUV", "two", "", "x"),
		"body":      said("401 Unauthorized", "TUV", "two", `,"reason":"disabled"`, "x"),
		"no cookie": {id: "TUV", raw: []byte(strings.Replace(string(said("401 Unauthorized", "TUV", "two", "", "x").raw), "Set-Cookie: a.b=two; Path=/; HttpOnly\r\n", "", 1))},
		"attribute": {id: "TUV", raw: []byte(strings.Replace(string(said("401 Unauthorized", "TUV", "two", "", "x").raw), "; HttpOnly", "", 1))},
		"header":    {id: "TUV", raw: []byte(strings.Replace(string(said("401 Unauthorized", "TUV", "two", "", "x").raw), "\r\n\r\n", "\r\nRetry-After: 1\r\n\r\n", 1))},
	} {
		if got := other.comparable("x"); got == same {
			t.Errorf("%s: another one is not noticed", name)
		}
	}
}
