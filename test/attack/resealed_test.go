package attack_test

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// envelope is a token whose every part the holder of the application's secret
// chooses.
type envelope struct {
	header, claims string
	gcm            bool // the cipher; AES-CBC with HMAC otherwise
	deflated       bool
	key            []byte
}

// appKey derives a key as the application's library does (protocol page §6).
func appKey(t *testing.T, d dialect, size int) []byte {
	t.Helper()
	secret, salt, info := secretV4, "", "NextAuth.js Generated Encryption Key"
	if d == v5 {
		secret, salt = secretV5, d.session()
		info = "Auth.js Generated Encryption Key (" + salt + ")"
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), []byte(salt), info, size)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (e envelope) token(t *testing.T) string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	head, text := b64([]byte(e.header)), []byte(e.claims)
	if e.deflated {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression)
		_, _ = w.Write(text)
		_ = w.Close()
		text = b.Bytes()
	}
	iv := make([]byte, 16)
	rand.Read(iv)
	if e.gcm {
		block, err := aes.NewCipher(e.key)
		if err != nil {
			t.Fatal(err)
		}
		aead, _ := cipher.NewGCM(block)
		sealed := aead.Seal(nil, iv[:12], text, []byte(head))
		return fmt.Sprintf("%s..%s.%s.%s", head, b64(iv[:12]), b64(sealed[:len(sealed)-16]), b64(sealed[len(sealed)-16:]))
	}
	block, err := aes.NewCipher(e.key[32:])
	if err != nil {
		t.Fatal(err)
	}
	pad := 16 - len(text)%16
	text = append(text, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	mac := hmac.New(sha512.New, e.key[:32])
	mac.Write([]byte(head))
	mac.Write(iv)
	mac.Write(text)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(head))*8))
	return fmt.Sprintf("%s..%s.%s.%s", head, b64(iv), b64(text), b64(mac.Sum(nil)[:32]))
}

// With the application's secret anybody can make a token of any form. Only the
// two ciphers of the protocol are opened, only in their own dialect, and never
// what is compressed or asks for something that is not understood.
//
// proves: BCP-21, BCP-26, BCP-30, CS-41, ASVS 9.1.2, ASVS 11.3.1, ASVS 11.3.2, ASVS 11.6.2
func TestResealed_onlyTheProtocolsOwnFormsAreOpened(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "ann@app.example")
	for _, d := range dialects {
		own := s.browser(d).signIn(t, "ann@app.example", password)
		claims, err := json.Marshal(newForger(t, d).open(t, own.jar[d.session()]))
		if err != nil {
			t.Fatal(err)
		}
		gcm, cbc := appKey(t, d, 32), appKey(t, d, 64)
		good := map[string]bool{"A256GCM": true, "A256CBC-HS512": d == v5}
		for _, c := range []struct {
			name, header string
			opens        bool
		}{
			{"as the library writes it", `{"alg":"dir","enc":"ENC"}`, true},
			{"typ and unknown members", `{"alg":"dir","enc":"ENC","typ":"JWT","cty":"x","x":[1]}`, true},
			{"zip", `{"alg":"dir","enc":"ENC","zip":"DEF"}`, false},
			{"zip of nothing", `{"alg":"dir","enc":"ENC","zip":null}`, false},
			{"an unknown zip", `{"alg":"dir","enc":"ENC","zip":"none"}`, false},
			{"crit", `{"alg":"dir","enc":"ENC","crit":["exp"],"exp":9}`, false},
			{"crit of nothing", `{"alg":"dir","enc":"ENC","crit":[]}`, false},
			{"b64", `{"alg":"dir","enc":"ENC","b64":false,"crit":["b64"]}`, false},
			{"no alg", `{"enc":"ENC"}`, false},
			{"alg none", `{"alg":"none","enc":"ENC"}`, false},
			{"alg in capitals", `{"alg":"DIR","enc":"ENC"}`, false},
			{"alg a list", `{"alg":["dir"],"enc":"ENC"}`, false},
			{"alg twice", `{"alg":"dir","alg":"dir","enc":"ENC"}`, false},
			{"alg twice, once escaped", `{"alg":"dir","\u0061lg":"A256KW","enc":"ENC"}`, false},
			{"key wrap", `{"alg":"A256KW","enc":"ENC"}`, false},
			{"GCM key wrap", `{"alg":"A256GCMKW","enc":"ENC","iv":"AAAA","tag":"AAAA"}`, false},
			{"a password, a billion rounds", `{"alg":"PBES2-HS512+A256KW","enc":"ENC","p2c":1000000000,"p2s":"AAAA"}`, false},
			{"RSA", `{"alg":"RSA-OAEP","enc":"ENC","jku":"http://evil.example/"}`, false},
			{"RSA, the broken one", `{"alg":"RSA1_5","enc":"ENC"}`, false},
			{"ECDH, a point of small order", `{"alg":"ECDH-ES","enc":"ENC","epk":{"kty":"OKP","crv":"X25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}`, false},
			{"ECDH, a point off the curve", `{"alg":"ECDH-ES","enc":"ENC","epk":{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}}`, false},
			{"ECDH", `{"alg":"ECDH-ES","enc":"ENC","epk":{"kty":"EC"}}`, false},
			{"a signature's alg", `{"alg":"HS256","enc":"ENC"}`, false},
			{"no enc", `{"alg":"dir"}`, false},
			{"enc of 128 bits", `{"alg":"dir","enc":"A128GCM"}`, false},
			{"enc of 192 bits", `{"alg":"dir","enc":"A192CBC-HS384"}`, false},
			{"enc in small letters", `{"alg":"dir","enc":"a256gcm"}`, false},
			{"enc twice", `{"alg":"dir","enc":"ENC","enc":"ENC"}`, false},
			{"a list for a header", `["dir"]`, false},
			{"text behind the header", `{"alg":"dir","enc":"ENC"}x`, false},
			{"an unknown kid", `{"alg":"dir","enc":"ENC","kid":"x"}`, d == v4}, // v4 knows no kid
			{"kid a path", `{"alg":"dir","enc":"ENC","kid":"../../etc/passwd"}`, d == v4},
			{"kid SQL", `{"alg":"dir","enc":"ENC","kid":"' OR 1=1 --"}`, d == v4},
			{"kid a number", `{"alg":"dir","enc":"ENC","kid":7}`, d == v4},
			{"kid empty", `{"alg":"dir","enc":"ENC","kid":""}`, d == v4},
			{"a key of its own", `{"alg":"dir","enc":"ENC","jwk":{"kty":"oct","k":"AAAA"},"jku":"http://evil.example/","x5u":"http://evil.example/"}`, true},
			{"a long header", `{"alg":"dir","enc":"ENC","x":"` + strings.Repeat("x", 3000) + `"}`, false},
		} {
			for enc, opens := range good {
				header := strings.ReplaceAll(c.header, "ENC", enc)
				e := envelope{header: header, claims: string(claims), gcm: enc == "A256GCM", key: cbc}
				if e.gcm {
					e.key = gcm
				}
				for _, deflated := range []bool{false, true} {
					e.deflated = deflated
					want := ""
					if c.opens && opens && !deflated {
						want = "ann@app.example"
					}
					if got := s.who(d, map[string]string{d.session(): e.token(t)}).Email; got != want {
						t.Errorf("%s, %s, %s, deflated %v: %q, want %q", d, c.name, enc, deflated, got, want)
					}
				}
			}
		}
	}
}

// What counts is the one member gh at the top of the claims, and it counts where
// it was made and as long as its session lives.
//
// proves: NEXT-4, NEXT-21, ASVS 1.5.2, BCP-27
func TestResealed_factsCountOnlyInTheirPlace(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "thief@app.example")
	s.newUser(t, "boss@app.example")
	for _, d := range dialects {
		other := dialects[0]
		if d == v4 {
			other = v5
		}
		f := newForger(t, d)
		open := func(b *browser) map[string]any { return newForger(t, b.dialect).open(t, b.jar[b.session()]) }
		own := s.browser(d).signIn(t, "thief@app.example", password)
		first := own.jar[d.session()]
		own.get("/session")
		mine := open(own)
		ended := s.browser(d).signIn(t, "thief@app.example", password)
		left := open(ended)
		ended.form("/signout", nil)
		elsewhere := open(s.browser(other).signIn(t, "thief@app.example", password))
		boss := open(s.browser(d).signIn(t, "boss@app.example", password))
		gh, bossGH := mine["gh"].(string), boss["gh"].(string)
		without := maps.Clone(mine)
		delete(without, "gh")
		text, err := json.Marshal(without)
		if err != nil {
			t.Fatal(err)
		}
		with := func(more string) string { return strings.TrimSuffix(string(text), "}") + "," + more + "}" }
		member := func(name, value string) string { return `"` + name + `":"` + value + `"` }
		const thief, nobody = "thief@app.example", ""
		for _, c := range []struct{ name, claims, want string }{
			{"its own", with(member("gh", gh)), thief},
			{"its own of before the renewal", with(member("gh", f.open(t, first)["gh"].(string))), thief},
			{"its own, the name escaped", with(member(`\u0067h`, gh)), thief}, // the same name in JSON
			{"of a session that ended", with(member("gh", left["gh"].(string))), nobody},
			{"of the other mount", with(member("gh", elsewhere["gh"].(string))), nobody},
			{"twice", with(member("gh", gh) + "," + member("gh", gh)), nobody},
			{"twice, the second another's", with(member("gh", gh) + "," + member("gh", bossGH)), nobody},
			{"twice, the first another's", with(member("gh", bossGH) + "," + member("gh", gh)), nobody},
			{"twice, once escaped", with(member(`g\u0068`, bossGH) + "," + member("gh", gh)), nobody},
			{"another's below user", with(`"user":{` + member("gh", bossGH) + `},` + member("gh", gh)), thief},
			{"another's below __proto__", with(`"__proto__":{` + member("gh", bossGH) + `},` + member("gh", gh)), thief},
			{"another's by another name", with(member("GH", bossGH) + "," + member(" gh", bossGH) + "," + member("gh\\u0000", bossGH) + "," + member("gh", gh)), thief},
			{"nested alone", with(`"user":{` + member("gh", gh) + `}`), nobody},
			{"below __proto__ alone", with(`"__proto__":{` + member("gh", gh) + `}`), nobody},
			{"below constructor alone", with(`"constructor":{"prototype":{` + member("gh", gh) + `}}`), nobody},
			{"the value escaped", with(`"gh":"\u00` + fmt.Sprintf("%02x", gh[0]) + gh[1:] + `"`), nobody}, // ours is never written so
			{"an object", with(`"gh":{"toString":"` + gh + `"}`), nobody},
			{"a blank in front", with(member("gh", " "+gh)), nobody},
			{"halves of two", with(member("gh", gh[:60]+bossGH[60:])), nobody},
			{"the other's MAC", with(member("gh", gh[:len(gh)-22]+bossGH[len(bossGH)-22:])), nobody},
			{"in capitals", with(member("gh", strings.ToUpper(gh))), nobody},
			{"claims in a list", "[" + with(member("gh", gh)) + "]", nobody},
			{"claims twice", with(member("gh", gh)) + with(member("gh", gh)), nobody},
			{"text behind", with(member("gh", gh)) + "x", nobody},
			{"a mark of order", "\ufeff" + with(member("gh", gh)), nobody},
			{"bytes that are no UTF-8", with(member("gh", gh) + ",\"x\":\"\xff\""), nobody},
			{"nested too deeply", with(member("gh", gh) + `,"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), nobody},
			{"a comment", with(member("gh", gh) + `/* */`), nobody},
		} {
			token := envelope{`{"alg":"dir","enc":"A256GCM"}`, c.claims, true, false, appKey(t, d, 32)}.token(t)
			if got := s.who(d, map[string]string{d.session(): token}); got.Email != c.want {
				t.Errorf("%s, %s: signed in as %q, want %q", d, c.name, got.Email, c.want)
			}
		}
	}
}

// What an answer seals anew says the truth again, whatever the cookie said that
// came, and whatever update() sent.
//
// proves: NEXT-21, NEXT-31
func TestResealed_theNextCookieSaysTheTruth(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "thief@app.example")
	for _, d := range dialects {
		f := newForger(t, d)
		b := s.browser(d).signIn(t, "thief@app.example", password)
		truth := f.open(t, b.jar[d.session()])
		lies := maps.Clone(truth)
		maps.Copy(lies, map[string]any{
			"roles": []string{"admin"}, "sid": "ses_01a1fe44-8e13-75a3-a0c5-1bd10ccea6e5", "email": "boss@app.example", "name": "Boss", "picture": "https://evil.example/",
			"exp": time.Now().AddDate(50, 0, 0).Unix(), "iat": 1, "jti": "x", "nbf": time.Now().Add(time.Hour).Unix(),
		})
		const data = `{"gh":"x","sid":"x","roles":["admin"],"sub":"x","id":"x","exp":99999999999,"iat":1,"jti":"x","email":"boss@app.example","picture":"https://evil.example/",` +
			`"user":{"roles":["admin"],"id":"x","email":"boss@app.example"},"__proto__":{"roles":["admin"]}}`
		for what, ask := range map[string]func(jar map[string]string) answer{
			"GET /session": func(jar map[string]string) answer {
				return s.send(request{method: http.MethodGet, path: d.base + "/session", cookies: jar})
			},
			"update": func(jar map[string]string) answer {
				c := s.browser(d)
				c.jar = jar
				return c.do(http.MethodPost, "/session", jsonType, `{"csrfToken":"`+c.token()+`","data":`+data+`}`)
			},
		} {
			a := ask(map[string]string{d.session(): f.seal(t, lies)})
			next := a.cookies()[d.session()]
			if next == "" {
				t.Fatalf("%s, %s: no cookie: %d %s", d, what, a.status, a.body)
			}
			got := f.open(t, next)
			for _, name := range []string{"roles", "sid", "email", "name", "picture", "sub"} {
				if fmt.Sprint(got[name]) != fmt.Sprint(truth[name]) {
					t.Errorf("%s, %s: %s is %v in the next cookie, was %v", d, what, name, got[name], truth[name])
				}
			}
			if exp, _ := got["exp"].(float64); exp > float64(time.Now().AddDate(0, 0, 31).Unix()) {
				t.Errorf("%s, %s: the next cookie lives until %v", d, what, time.Unix(int64(exp), 0))
			}
			if got["jti"] == "x" || got["gh"] == "x" {
				t.Errorf("%s, %s: jti %v, gh %v", d, what, got["jti"], got["gh"])
			}
			if strings.Contains(a.body, "boss") || strings.Contains(a.body, "admin") || strings.Contains(a.body, "evil") {
				t.Errorf("%s, %s: answered with %s", d, what, a.body)
			}
		}
	}
}
