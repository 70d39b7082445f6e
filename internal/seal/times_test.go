package seal_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

func TestCheckTimes_judgesToTheSecond(t *testing.T) {
	at := time.Unix(1767225600, 999_999_999) // whole seconds count
	n := at.Unix()
	for _, c := range []struct {
		claims string
		want   error
	}{
		{`{}`, nil},
		{fmt.Sprintf(`{"exp":%d}`, n), nil},
		{fmt.Sprintf(`{"exp":%d}`, n-14), nil},
		{fmt.Sprintf(`{"exp":%d.5}`, n-15), nil},
		{fmt.Sprintf(`{"exp":%d}`, n-15), seal.ErrExpired},
		{`{"exp":0}`, seal.ErrExpired},
		{`{"exp":-1}`, seal.ErrExpired},
		{`{"exp":4767225600}`, nil},
		{`{"exp":1e12}`, nil},
		{fmt.Sprintf(`{"nbf":%d}`, n+15), nil},
		{fmt.Sprintf(`{"nbf":%d.25}`, n+15), seal.ErrNotYetValid},
		{fmt.Sprintf(`{"nbf":%d}`, n+16), seal.ErrNotYetValid},
		{fmt.Sprintf(`{"iat":%d}`, n+1_000_000), nil},
		{`{"exp":"4767225600"}`, seal.ErrClaims},
		{`{"exp":null}`, seal.ErrClaims},
		{`{"nbf":true}`, seal.ErrClaims},
		{`{"iat":"now"}`, seal.ErrClaims},
		{`{"iat":{}}`, seal.ErrClaims},
		{`{"exp":1e999}`, seal.ErrClaims},
		{`{"e\u0078p":0}`, seal.ErrExpired},
		{`{"Exp":0,"a":{"exp":0},"expx":0}`, nil},
		{`{"exp":0,"exp":4767225600}`, nil},
		{`{"exp":4767225600,"exp":0}`, seal.ErrExpired},
		{`[]`, seal.ErrClaims},
		{``, seal.ErrClaims},
	} {
		if err := seal.CheckTimes([]byte(c.claims), at); !errors.Is(err, c.want) {
			t.Errorf("CheckTimes(%s) = %v, want %v", c.claims, err, c.want)
		}
	}
}

// proves: CB-1
func TestNewSecret_isLongAndNew(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := seal.NewSecret()
		if len(s) != 43 || seen[s] {
			t.Fatalf("NewSecret() = %q", s)
		}
		seen[s] = true
	}
}

func TestEqualHash_knowsItsSecret(t *testing.T) {
	// FIPS 180-2, example B.1.
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := seal.HashSecret("abc"); got != abc {
		t.Errorf("HashSecret(abc) = %s", got)
	}
	for _, c := range []struct {
		hash, secret string
		want         bool
	}{
		{abc, "abc", true}, {abc, "abd", false}, {"", "", false}, {"abc", "abc", false}, {abc[:63], "abc", false}, {abc, abc, false},
	} {
		if got := seal.EqualHash(c.hash, c.secret); got != c.want {
			t.Errorf("EqualHash(%q, %q) = %v, want %v", c.hash, c.secret, got, c.want)
		}
	}
}
