package auth_test

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
)

func TestCodes_eachHasAKindAndASentence(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	all := auth.Codes()
	if len(all) < 20 {
		t.Fatalf("only %d codes", len(all))
	}
	sentences := map[string]auth.Code{}
	for _, c := range all {
		if !name.MatchString(string(c)) {
			t.Errorf("code %q is not in lower case with underscores", c)
		}
		if (c.Kind() == auth.KindInternal) != (c == auth.CodeInternal) {
			t.Errorf("%s is of kind %d", c, c.Kind())
		}
		text := c.Message()
		if text == "" || text[len(text)-1] != '.' {
			t.Errorf("%s says %q, want a sentence", c, text)
		}
		if other, taken := sentences[text]; taken {
			t.Errorf("%s and %s say the same", c, other)
		}
		sentences[text] = c
	}
}

func TestCode_unknownIsInternal(t *testing.T) {
	c := auth.Code("no_such_code")
	if c.Kind() != auth.KindInternal || c.Message() != auth.CodeInternal.Message() {
		t.Errorf("got kind %d and %q", c.Kind(), c.Message())
	}
}

func TestError_isFoundByCodeAndByCause(t *testing.T) {
	err := fmt.Errorf("sign in: %w", auth.NewError(auth.CodeUnavailable, io.ErrUnexpectedEOF))
	if !errors.Is(err, auth.CodeUnavailable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v is neither its code nor its cause", err)
	}
	if errors.Is(err, auth.CodeBusy) {
		t.Errorf("%v passes for another code", err)
	}
}

// proves: ASVS 16.5.1
func TestAsError_hidesWhatIsNoRefusal(t *testing.T) {
	secret := errors.New("sql: password of root is hunter2 in /etc/shadow")
	got := auth.AsError(fmt.Errorf("query: %w", secret))
	if got.Code != auth.CodeInternal || got.Text() != auth.CodeInternal.Message() {
		t.Errorf("shown outside: %s %q", got.Code, got.Text())
	}
	if !errors.Is(got, secret) {
		t.Error("the cause is lost for the log")
	}
}

func TestAsError_takesTheOuterRefusal(t *testing.T) {
	inner := auth.NewError(auth.CodeChanged, nil)
	outer := fmt.Errorf("begin: %w", auth.NewError(auth.CodeInvalidCredentials, inner))
	if got := auth.AsError(outer); got.Code != auth.CodeInvalidCredentials {
		t.Errorf("got %s, want invalid_credentials", got.Code)
	}
	if got := auth.AsError(fmt.Errorf("plain: %w", auth.CodeForbidden)); got.Code != auth.CodeForbidden {
		t.Errorf("a bare code became %s", got.Code)
	}
}

func TestError_textPrefersItsOwnMessage(t *testing.T) {
	if got := (&auth.Error{Code: auth.CodeBusy, Message: "Later.", Cause: io.EOF}).Text(); got != "Later." {
		t.Errorf("got %q", got)
	}
	if got := (&auth.Error{Code: auth.CodeBusy, Cause: io.EOF}).Text(); got != auth.CodeBusy.Message() {
		t.Errorf("got %q", got)
	}
}

// What a program prints says more than the code.
func TestError_tellsCodeMessageAndCause(t *testing.T) {
	cause := errors.New("the disk is full")
	for want, e := range map[string]*auth.Error{
		"not_found": {Code: auth.CodeNotFound},
		"password_too_short: This password has 5 characters; use at least 15.": {Code: auth.CodePasswordTooShort, Message: "This password has 5 characters; use at least 15."},
		"unavailable: the disk is full":                                        {Code: auth.CodeUnavailable, Cause: cause},
		"unavailable: Later.: the disk is full":                                {Code: auth.CodeUnavailable, Message: "Later.", Cause: cause},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
