package jwt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/jwt"
)

const goodClaims = `{"iss":"` + issuer + `","sub":"usr_1","aud":"` + resource + `","client_id":"web","jti":"j1","iat":1773063470,"nbf":1773063470,"exp":1773064380}`

// sign makes a token with any header and any payload, signed by the key as it
// should be.
func sign(t testing.TB, k *jwt.Key, header, payload string) string {
	t.Helper()
	text := encoded(header) + "." + encoded(payload)
	return text + "." + encoded(signature(t, k, text))
}

// signature lets the key sign a text that Sign would never write: of HMAC and
// of key pairs alike.
func signature(t testing.TB, k *jwt.Key, text string) []byte {
	t.Helper()
	s, err := k.SignText([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func headerFor(k *jwt.Key) string {
	return fmt.Sprintf(`{"alg":%q,"typ":"at+jwt","kid":%q}`, k.Algorithm(), k.ID())
}

func TestVerify_takesATokenOfOurs(t *testing.T) {
	secret, err := jwt.NewSecret("shared-1", jwt.HS256, []byte(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*jwt.Key{generate(t, jwt.ES256), generate(t, jwt.EdDSA), generate(t, jwt.RS256), secret} {
		t.Run(string(k.Algorithm()), func(t *testing.T) {
			token, err := k.Sign("at+jwt", []byte(goodClaims))
			if err != nil {
				t.Fatal(err)
			}
			got, err := jwt.Verify(token, only(k), expected())
			if err != nil {
				t.Fatal(err)
			}
			want := jwt.Claims{
				Issuer: issuer, Subject: "usr_1", ID: "j1", Audience: []string{resource},
				IssuedAt: time.Unix(1773063470, 0).UTC(), NotBefore: time.Unix(1773063470, 0).UTC(), ExpiresAt: time.Unix(1773064380, 0).UTC(),
				KeyID: k.ID(), Algorithm: k.Algorithm(), JSON: []byte(goodClaims),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// proves: ASVS 9.1.1, ASVS 9.1.2, ASVS 9.1.3, BCP-21, BCP-29, BCP-31
func TestVerify_refusesHeaders(t *testing.T) {
	k := generate(t, jwt.ES256)
	const kid = "KID"
	for _, c := range []struct {
		name, header string
		want         jwt.Refusal
	}{
		{"none", `{"alg":"none","typ":"at+jwt","kid":"KID"}`, jwt.WrongAlgorithm},
		{"NoNe", `{"alg":"NoNe","typ":"at+jwt","kid":"KID"}`, jwt.WrongAlgorithm},
		{"another algorithm of the same kind", `{"alg":"ES384","typ":"at+jwt","kid":"KID"}`, jwt.WrongAlgorithm},
		{"HMAC under the public key's name", `{"alg":"HS256","typ":"at+jwt","kid":"KID"}`, jwt.WrongAlgorithm},
		{"no algorithm", `{"typ":"at+jwt","kid":"KID"}`, jwt.BadHeader},
		{"algorithm is no text", `{"alg":["ES256"],"typ":"at+jwt","kid":"KID"}`, jwt.BadHeader},
		{"no type", `{"alg":"ES256","kid":"KID"}`, jwt.WrongType},
		{"empty type", `{"alg":"ES256","typ":"","kid":"KID"}`, jwt.WrongType},
		{"type JWT", `{"alg":"ES256","typ":"JWT","kid":"KID"}`, jwt.WrongType},
		{"type of a logout token", `{"alg":"ES256","typ":"logout+jwt","kid":"KID"}`, jwt.WrongType},
		{"another media type", `{"alg":"ES256","typ":"text/at+jwt","kid":"KID"}`, jwt.WrongType},
		{"prefix alone", `{"alg":"ES256","typ":"application/","kid":"KID"}`, jwt.WrongType},
		{"type is no text", `{"alg":"ES256","typ":1,"kid":"KID"}`, jwt.BadHeader},
		{"no kid", `{"alg":"ES256","typ":"at+jwt"}`, jwt.NoKeyID},
		{"empty kid", `{"alg":"ES256","typ":"at+jwt","kid":""}`, jwt.NoKeyID},
		{"unknown kid", `{"alg":"ES256","typ":"at+jwt","kid":"other"}`, jwt.UnknownKey},
		{"kid is no text", `{"alg":"ES256","typ":"at+jwt","kid":null}`, jwt.BadHeader},
		{"crit", `{"alg":"ES256","typ":"at+jwt","kid":"KID","crit":["exp"],"exp":1}`, jwt.CriticalHeader},
		{"empty crit", `{"alg":"ES256","typ":"at+jwt","kid":"KID","crit":[]}`, jwt.CriticalHeader},
		{"b64", `{"alg":"ES256","typ":"at+jwt","kid":"KID","b64":true}`, jwt.CriticalHeader},
		{"zip", `{"alg":"ES256","typ":"at+jwt","kid":"KID","zip":"DEF"}`, jwt.CriticalHeader},
		{"jwk", `{"alg":"ES256","typ":"at+jwt","kid":"KID","jwk":{}}`, jwt.KeyInHeader},
		{"jku", `{"alg":"ES256","typ":"at+jwt","kid":"KID","jku":"https://evil.example"}`, jwt.KeyInHeader},
		{"x5u", `{"alg":"ES256","typ":"at+jwt","kid":"KID","x5u":"https://evil.example"}`, jwt.KeyInHeader},
		{"x5c", `{"alg":"ES256","typ":"at+jwt","kid":"KID","x5c":[]}`, jwt.KeyInHeader},
		{"a member twice", `{"alg":"ES256","typ":"at+jwt","kid":"KID","kid":"KID"}`, jwt.BadHeader},
		{"twice, once escaped", `{"alg":"ES256","\u0061lg":"none","typ":"at+jwt","kid":"KID"}`, jwt.BadHeader},
		{"escaped crit", `{"alg":"ES256","typ":"at+jwt","kid":"KID","\u0063rit":[]}`, jwt.CriticalHeader},
		{"no object", `["ES256"]`, jwt.BadHeader},
		{"no JSON", `alg=ES256`, jwt.BadHeader},
		{"something behind", `{"alg":"ES256","typ":"at+jwt","kid":"KID"} ` + "x", jwt.BadHeader},
		{"no UTF-8", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"KID\",\"x\":\"\xff\"}", jwt.BadHeader},
		{"too long", `{"alg":"ES256","typ":"at+jwt","kid":"KID","x":"` + strings.Repeat("x", 2048) + `"}`, jwt.BadHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			token := sign(t, k, strings.ReplaceAll(c.header, kid, k.ID()), goodClaims)
			_, err := jwt.Verify(token, only(k), expected())
			refusedAs(t, err, c.want)
		})
	}
	for _, header := range []string{ // the same way of making tokens makes good ones
		`{"alg":"ES256","typ":"at+jwt","kid":"KID"}`, `{"alg":"ES256","typ":"AT+JWT","kid":"KID"}`, `{"alg":"ES256","typ":"application/at+jwt","kid":"KID"}`,
		` { "typ" : "Application/At+Jwt" , "unknown" : [{}] , "kid":"KID","alg":"ES\u003256"}`,
	} {
		if _, err := jwt.Verify(sign(t, k, strings.ReplaceAll(header, kid, k.ID()), goodClaims), only(k), expected()); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func refusedAs(t *testing.T, err error, want jwt.Refusal) {
	t.Helper()
	var got jwt.Refusal
	if !errors.As(err, &got) || got != want {
		t.Errorf("error %v, want %v", err, want)
	}
	if !errors.Is(err, jwt.ErrToken) {
		t.Errorf("error %v is no ErrToken", err)
	}
}

// proves: ASVS 9.2.1, ASVS 9.2.2, ASVS 9.2.3, ASVS 9.2.4, BCP-28, BCP-30
func TestVerify_refusesClaims(t *testing.T) {
	k := generate(t, jwt.EdDSA)
	base := map[string]string{"iss": `"` + issuer + `"`, "aud": `"` + resource + `"`, "exp": "1773064380", "sub": `"usr_1"`}
	for _, c := range []struct {
		name, member, value string
		want                jwt.Refusal
	}{
		{"no issuer", "iss", "", jwt.WrongIssuer},
		{"another issuer", "iss", `"https://app.example/api/auth/"`, jwt.WrongIssuer},
		{"issuer in a list", "iss", `["` + issuer + `"]`, jwt.BadClaims},
		{"no audience", "aud", "", jwt.WrongAudience},
		{"another audience", "aud", `"https://api.example.evil"`, jwt.WrongAudience},
		{"no audience in the list", "aud", `[]`, jwt.WrongAudience},
		{"others in the list", "aud", `["a","b"]`, jwt.WrongAudience},
		{"audience is a number", "aud", `1`, jwt.BadClaims},
		{"audiences are mixed", "aud", `["` + resource + `",1]`, jwt.BadClaims},
		{"audience is null", "aud", `null`, jwt.BadClaims},
		{"no end", "exp", "", jwt.NoEnd},
		{"end is a text", "exp", `"1773064380"`, jwt.BadClaims},
		{"end is null", "exp", `null`, jwt.BadClaims},
		{"end beyond all numbers", "exp", `1e400`, jwt.BadClaims},
		{"end in the year 30000", "exp", `884541340800`, jwt.BadClaims},
		{"end before 1970", "exp", `-1`, jwt.BadClaims},
		{"ended at zero", "exp", `0`, jwt.Expired},
		{"ended six seconds ago", "exp", `1773063473`, jwt.Expired},
		{"begins in six seconds and more", "nbf", `1773063485`, jwt.NotYetValid},
		{"beginning is a text", "nbf", `"0"`, jwt.BadClaims},
		{"issued at a text", "iat", `"0"`, jwt.BadClaims},
		{"subject is a number", "sub", `1`, jwt.BadClaims},
		{"name is a number", "jti", `1`, jwt.BadClaims},
		{"a claim twice", `exp":1773064380,"exp`, `1773064380`, jwt.BadClaims},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := jwt.Verify(sign(t, k, headerFor(k), claimsWith(base, c.member, c.value)), only(k), expected())
			refusedAs(t, err, c.want)
		})
	}
	for member, value := range map[string]string{
		"aud": `["a","` + resource + `"]`, "exp": `1773063475.999`, "nbf": `1773063484`, "iat": `1773099999`, "jti": `"x"`, "other": `{"a":[1]}`,
	} {
		if _, err := jwt.Verify(sign(t, k, headerFor(k), claimsWith(base, member, value)), only(k), expected()); err != nil {
			t.Errorf("%s = %s: %v", member, value, err)
		}
	}
	for _, payload := range []string{"", "null", "[]", `"text"`, goodClaims + "x", "{", "\xff"} {
		_, err := jwt.Verify(sign(t, k, headerFor(k), payload), only(k), expected())
		refusedAs(t, err, jwt.BadClaims)
	}
}

// claimsWith is base with one member set, or left out when value is empty.
func claimsWith(base map[string]string, member, value string) string {
	var list []string
	for _, name := range []string{"iss", "aud", "exp", "sub"} {
		if name != member && !strings.HasPrefix(member, name+`"`) {
			list = append(list, fmt.Sprintf("%q:%s", name, base[name]))
		}
	}
	if value != "" {
		list = append(list, `"`+member+`":`+value)
	}
	return "{" + strings.Join(list, ",") + "}"
}

func TestVerify_judgesTimesToTheSecond(t *testing.T) {
	k := generate(t, jwt.EdDSA)
	token := sign(t, k, headerFor(k), `{"iss":"`+issuer+`","aud":"`+resource+`","nbf":2000,"exp":3000}`)
	for _, c := range []struct {
		at   float64
		skew time.Duration
		want error
	}{
		{1999.999999, 0, jwt.NotYetValid}, {2000, 0, nil}, {2999.999999, 0, nil}, {3000, 0, jwt.Expired},
		{1995, 5 * time.Second, nil}, {1994.999999, 5 * time.Second, jwt.NotYetValid},
		{3004.999999, 5 * time.Second, nil}, {3005, 5 * time.Second, jwt.Expired},
		{3000, -time.Hour, jwt.Expired}, {2999, -time.Hour, nil},
		{3000 + jwt.MaxSkew.Seconds(), 24 * time.Hour, jwt.Expired}, {2999 + jwt.MaxSkew.Seconds(), 24 * time.Hour, nil},
	} {
		e := expected()
		e.Now, e.Skew = time.UnixMicro(int64(c.at*1e6)), c.skew
		if _, err := jwt.Verify(token, only(k), e); !errors.Is(err, c.want) {
			t.Errorf("at %v with a skew of %v: %v, want %v", c.at, c.skew, err, c.want)
		}
	}
}

func TestVerify_refusesForms(t *testing.T) {
	k := generate(t, jwt.ES256)
	good, err := k.Sign("at+jwt", []byte(goodClaims))
	if err != nil {
		t.Fatal(err)
	}
	p := strings.Split(good, ".")
	for name, c := range map[string]struct {
		token string
		want  jwt.Refusal
	}{
		"empty":                     {"", jwt.Malformed},
		"dots":                      {"..", jwt.Malformed},
		"two parts":                 {p[0] + "." + p[1], jwt.Malformed},
		"no signature":              {p[0] + "." + p[1] + ".", jwt.Malformed},
		"four parts":                {good + ".", jwt.Malformed},
		"five parts":                {p[0] + "..." + p[1] + "." + p[2], jwt.Malformed},
		"padding":                   {good + "=", jwt.Malformed},
		"line break":                {good + "\n", jwt.Malformed},
		"blank before":              {" " + good, jwt.Malformed},
		"JSON serialisation":        {`{"payload":"` + p[1] + `","protected":"` + p[0] + `","signature":"` + p[2] + `"}`, jwt.Malformed},
		"standard alphabet":         {p[0] + "." + p[1] + "." + strings.Repeat("+", 86), jwt.Malformed},
		"bits behind the last byte": {p[0] + "." + p[1] + "." + p[2][:85] + lastSpelled(p[2][85]), jwt.Malformed},
		"signature as DER":          {p[0] + "." + p[1] + "." + encoded(append([]byte{0x30, 68, 2, 32}, make([]byte, 66)...)), jwt.BadSignature},
		"short signature":           {p[0] + "." + p[1] + "." + encoded(make([]byte, 63)), jwt.BadSignature},
		"long signature":            {p[0] + "." + p[1] + "." + encoded(make([]byte, 65)), jwt.BadSignature},
		"zero signature":            {p[0] + "." + p[1] + "." + encoded(make([]byte, 64)), jwt.BadSignature},
		"too long":                  {p[0] + "." + strings.Repeat("A", jwt.MaxToken) + "." + p[2], jwt.TooLong},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := jwt.Verify(c.token, only(k), expected())
			refusedAs(t, err, c.want)
		})
	}
	if _, err := jwt.Verify(good, only(k), expected()); err != nil {
		t.Errorf("the token itself: %v", err)
	}
}

// lastSpelled is another spelling of the last character of 64 octets.
func lastSpelled(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)|1])
}

func TestVerify_refusesEveryChangedCharacter(t *testing.T) {
	k := generate(t, jwt.EdDSA)
	good, err := k.Sign("at+jwt", []byte(goodClaims))
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		c := byte('A')
		if good[i] == c {
			c = 'B'
		}
		if _, err := jwt.Verify(good[:i]+string(c)+good[i+1:], only(k), expected()); !errors.Is(err, jwt.ErrToken) {
			t.Fatalf("character %d changed: %v", i, err)
		}
	}
}

func TestVerify_refusesWhenNothingIsExpected(t *testing.T) {
	k := generate(t, jwt.EdDSA)
	token, err := k.Sign("at+jwt", []byte(goodClaims))
	if err != nil {
		t.Fatal(err)
	}
	for name, forget := range map[string]func(e *jwt.Expect){
		"issuer":   func(e *jwt.Expect) { e.Issuer = "" },
		"audience": func(e *jwt.Expect) { e.Audience = nil },
		"types":    func(e *jwt.Expect) { e.Types = nil },
		"now":      func(e *jwt.Expect) { e.Now = time.Time{} },
	} {
		e := expected()
		forget(&e)
		if _, err := jwt.Verify(token, only(k), e); !errors.Is(err, jwt.Unexpected) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// A set that hands out a key of another name than was asked for must not make
// the token's kid meaningless.
func TestVerify_holdsTheKeyToItsName(t *testing.T) {
	k := generate(t, jwt.EdDSA)
	token := sign(t, k, `{"alg":"EdDSA","typ":"at+jwt","kid":"another"}`, goodClaims)
	_, err := jwt.Verify(token, func(string) *jwt.Key { return k }, expected())
	refusedAs(t, err, jwt.UnknownKey)
}
