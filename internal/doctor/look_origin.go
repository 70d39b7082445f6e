package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
	"github.com/gatehouse-auth/gatehouse/internal/web/ops"
)

// postBytes and cookieBytes are the sizes of a body and of cookies that the
// usual proxies let through as they are installed.
const (
	postBytes   = 48 << 10
	cookieBytes = 6 << 10
)

// otherPorts are where an application in development is likely to be when its
// own port was taken.
var otherPorts = []string{"3000", "3001", "3002", "3003", "4000", "5173", "8000", "8080"}

// origin sends the probes.
func (l *looker) origin(ctx context.Context) (o Origin) {
	o.Asked = true
	base := l.Settings.PublicOrigin
	for i, m := range l.Settings.Mounts {
		p := MountProbes{BasePath: m.BasePath, Dialect: m.Dialect}
		first := l.probe(m.BasePath + "/csrf")
		p.First = first.send(ctx)
		if i == 0 {
			o.Certificates = first.chain
		}
		if !p.First.Done() {
			o.Mounts = append(o.Mounts, p)
			if i == 0 {
				l.whyNot(ctx, &o, p.First)
				return o
			}
			continue
		}
		p.Again = first.send(ctx)
		if p.First.Seen != nil {
			l.through(ctx, &p)
		}
		o.Mounts = append(o.Mounts, p)
	}
	o.Home = l.probe("/").asNavigation().send(ctx)
	// A page that nobody else asks for: a forged host must not get into a cache.
	stray := l.probe("/")
	stray.path = "/gatehouse-doctor-" + stray.nonce
	stray.header.Set("X-Forwarded-Host", forgedHost)
	o.Stray = stray.asNavigation().send(ctx)
	if u, err := url.Parse(base); err == nil && u.Scheme == "https" && u.Port() == "" && l.Connect == "" {
		plain := l.probe(l.Settings.Mounts[0].BasePath + "/csrf")
		plain.origin = "http://" + u.Host
		o.Plain = plain.send(ctx)
	}
	return o
}

// through are the probes that make sense once the first one has arrived.
func (l *looker) through(ctx context.Context, p *MountProbes) {
	forged := l.probe(p.BasePath + "/csrf")
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip", headerName(l.Settings.ClientAddress.Header)} {
		forged.header.Set(name, forgedAddress)
	}
	forged.header.Set("Forwarded", "for="+forgedAddress+";host="+forgedHost)
	forged.header.Set("X-Forwarded-Host", forgedHost)
	p.Forged = forged.send(ctx)

	names := wire.CookieNames(seal.Dialect(p.Dialect), strings.HasPrefix(l.Settings.PublicOrigin, "https:"))
	cookies := l.probe(p.BasePath + "/session")
	cookies.header.Set("Cookie", probeCookie+"=1; "+names.CallbackURL+"="+url.QueryEscape(l.Settings.PublicOrigin))
	p.Cookies = cookies.send(ctx)

	long := l.probe(p.BasePath + "/csrf")
	long.header.Set("Cookie", probeCookie+"="+strings.Repeat("x", cookieBytes/2)+"; "+probeCookie+"-2="+strings.Repeat("x", cookieBytes/2))
	p.Long = long.send(ctx)

	p.SignIn = l.probe(p.BasePath + "/signin").asNavigation().send(ctx)

	post := l.probe(p.BasePath + "/csrf")
	post.method, post.body = http.MethodPost, bytes.Repeat([]byte("x"), postBytes)
	post.header.Set("Content-Type", "text/plain")
	p.Post = post.send(ctx)
}

// whyNot looks closer at an origin that gave no answer.
func (l *looker) whyNot(ctx context.Context, o *Origin, e *Exchange) {
	u, err := url.Parse(l.Settings.PublicOrigin)
	if err != nil {
		return
	}
	path := l.Settings.Mounts[0].BasePath + "/csrf"
	switch {
	case e.Trouble == PlainHTTP:
		plain := l.probe(path)
		plain.origin = "http://" + hostPort(l.Settings.PublicOrigin)
		o.PlainOnTLS = plain.send(ctx)
	case e.Trouble == Refused && localHost(u.Hostname()) && l.Connect == "":
		for _, port := range otherPorts {
			if port == u.Port() || port == portOf(l.Settings.Listen) {
				continue
			}
			other := l.probe(path)
			other.origin = u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port)
			if other.send(ctx).Ours() {
				o.OtherPort = other.origin
				return
			}
		}
	}
}

// probe is a request with a mark of its own.
type probe struct {
	*looker
	origin, path string
	method       string
	header       http.Header
	body         []byte
	nonce, mark  string
	// arrived counts, so that the same request can be sent again; chain is what
	// was presented.
	arrived int
	chain   []*x509.Certificate
}

func (l *looker) probe(path string) *probe {
	p := &probe{looker: l, origin: l.Settings.PublicOrigin, path: path, method: http.MethodGet, header: http.Header{}}
	// A mark that cannot be made leaves the probe unmarked, as any request.
	p.nonce, p.mark, _ = ops.Mark(l.Settings.Secrets[0], l.Now())
	p.header.Set("User-Agent", "gatehouse-doctor/1")
	p.header.Set("Accept", "application/json")
	p.header.Set(ops.ProbeHeader, p.mark)
	return p
}

// asNavigation makes it look as a browser's when somebody opens a page.
func (p *probe) asNavigation() *probe {
	for name, value := range map[string]string{
		"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none",
	} {
		p.header.Set(name, value)
	}
	return p
}

// triesForEach is how often a probe is sent for each server that a balancer may
// lead it to: chosen at random, one in four hundred comes to none but others.
const triesForEach = 6

// send sends it, follows no redirect, and asks the server what it saw. Where
// other servers work on the database it is sent until it comes to this one,
// which is the one that can be asked.
func (p *probe) send(ctx context.Context) *Exchange {
	tries := 1
	if p.asked && p.others > 0 {
		tries = triesForEach * (p.others + 1)
	}
	for {
		e := p.sendOnce(ctx)
		if tries--; tries == 0 || !e.Done() || e.Seen != nil || !looksOurs(e.Header) {
			return e
		}
	}
}

func (p *probe) sendOnce(ctx context.Context) *Exchange {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	e := &Exchange{URL: p.origin + p.path + "?" + ops.ProbeQuery + "=" + p.mark, At: p.Now()}
	r, err := http.NewRequestWithContext(ctx, p.method, e.URL, bytes.NewReader(p.body))
	if err != nil {
		e.Trouble, e.Err = OtherTrouble, err
		return e
	}
	r.Header = p.header.Clone()
	dial := p.dialer(p.Connect)
	transport := &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxAnswer,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			if err == nil {
				e.Source, _ = netip.ParseAddrPort(c.LocalAddr().String())
			}
			return c, err
		},
		// The verdict on the certificate is our own, to tell what is wrong with it.
		TLSClientConfig:       &tls.Config{InsecureSkipVerify: true, ServerName: r.URL.Hostname(), VerifyConnection: p.verify},
		ExpectContinueTimeout: time.Second,
	}
	res, err := transport.RoundTrip(r)
	if err != nil && len(p.body) > 0 && ctx.Err() == nil {
		// Who refuses a body may hang up while it is still on its way, and the
		// refusal is lost: ask first whether it is wanted (RFC 9110 §10.1.1).
		again := r.Clone(ctx)
		again.Body = io.NopCloser(bytes.NewReader(p.body))
		again.Header.Set("Expect", "100-continue")
		res, err = transport.RoundTrip(again)
	}
	if err != nil {
		e.Trouble, e.Err = troubleOf(err), cause(err)
		return e
	}
	defer res.Body.Close()
	e.Status, e.Header = res.StatusCode, res.Header
	e.Body, _ = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if strings.HasPrefix(p.origin, "http:") && e.Status == http.StatusBadRequest &&
		(bytes.Contains(e.Body, []byte("HTTP request to an HTTPS server")) || bytes.Contains(e.Body, []byte("plain HTTP request was sent to HTTPS port"))) {
		e.Trouble, e.Err = SpeaksTLS, errors.New("it asks for TLS")
		return e
	}
	if list := p.seen(ctx, p.nonce); len(list) > p.arrived {
		e.Seen = &list[p.arrived]
		p.arrived++
	}
	return e
}

// certificateError is our verdict on a certificate.
type certificateError struct {
	trouble Trouble
	error
}

// verify judges as a browser does, the simplest reason first.
func (p *probe) verify(state tls.ConnectionState) error {
	p.chain = state.PeerCertificates
	leaf, now := p.chain[0], p.Now()
	switch {
	case now.After(leaf.NotAfter):
		return certificateError{CertExpired, errors.New("the certificate has expired")}
	case now.Before(leaf.NotBefore):
		return certificateError{CertNotYet, errors.New("the certificate is not valid yet")}
	}
	if err := leaf.VerifyHostname(state.ServerName); err != nil {
		return certificateError{CertName, err}
	}
	between := x509.NewCertPool()
	for _, c := range p.chain[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: p.Roots, Intermediates: between, CurrentTime: now})
	if err == nil {
		return nil
	}
	if len(p.chain) == 1 && !bytes.Equal(leaf.RawIssuer, leaf.RawSubject) && len(leaf.IssuingCertificateURL) > 0 {
		// Public authorities say in each certificate where the one above it is to
		// be had; that they do is what tells a lost one from a private authority.
		return certificateError{CertIncomplete, err}
	}
	return certificateError{CertUntrusted, err}
}

// troubleOf sorts an error of the transport.
func troubleOf(err error) Trouble {
	var verdict certificateError
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	text := fmt.Sprint(err)
	switch {
	case errors.As(err, &verdict):
		return verdict.trouble
	case errors.As(err, &dns) && !dns.IsTimeout:
		return NameUnknown
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.As(err, &record), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return PlainHTTP
	case strings.Contains(text, `malformed HTTP response "\x15\x03`):
		return SpeaksTLS
	case errors.As(err, &alert), strings.Contains(text, "remote error: tls"), strings.Contains(text, "tls:"):
		return HandshakeFailed
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	}
	return OtherTrouble
}
