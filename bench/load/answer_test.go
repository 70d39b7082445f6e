package load

import (
	"bufio"
	"strings"
	"testing"
)

func TestAnswer_readsOneAfterAnother(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\ncontent-length: 2\r\n\r\n{}" +
		"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n2;x=y\r\n!!\r\n0\r\n\r\n" +
		"HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"))
	var a Answer
	for _, want := range []struct {
		status int
		body   string
		retry  int
	}{{200, "{}", 0}, {503, "busy!!", 3}, {204, "", 0}} {
		if err := a.read(r); err != nil {
			t.Fatal(err)
		}
		retry, _ := a.RetryAfter()
		if a.Status != want.status || string(a.Body) != want.body || retry != want.retry {
			t.Errorf("got %d %q, retry after %d; want %+v", a.Status, a.Body, retry, want)
		}
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("something was left over")
	}
}

func TestAnswer_findsAFieldByItsWholeName(t *testing.T) {
	a := Answer{Header: []byte("X-Set-Cookie: no\r\nSET-COOKIE:  yes \r\nSet-Cookie: later\r\n")}
	if v, ok := a.Field("set-cookie"); !ok || string(v) != "yes" {
		t.Errorf("Field = %q, %v", v, ok)
	}
	if v, ok := a.Field("cookie"); ok {
		t.Errorf("Field of another name = %q", v)
	}
}

func TestAnswer_knowsACookieByHowItBegins(t *testing.T) {
	a := Answer{Header: []byte("X-Set-Cookie: c=3\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: bee=2\r\n")}
	for cookie, want := range map[string]bool{"a=": true, "bee=": true, "ee=": false, "c=": false, "Path": false} {
		if got := a.Sets([]byte(cookie)); got != want {
			t.Errorf("Sets(%q) = %v", cookie, got)
		}
	}
}

func TestAnswer_refusesWhatIsNone(t *testing.T) {
	for _, text := range []string{
		"", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
	} {
		var a Answer
		if err := a.read(bufio.NewReader(strings.NewReader(text))); err == nil {
			t.Errorf("%q was read as %d %q", text, a.Status, a.Body)
		}
	}
}
