package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// nextObject reads one line of JSON.
func (r *Reader) nextObject(rec *Record) error {
	for {
		tooLong, err := r.readLine(rec)
		if err != nil {
			return err
		}
		line := unbroken(r.raw)
		if tooLong {
			rec.Err = errTooLong
			return nil
		}
		rec.Raw = line
		if rec.Err = form(line, false); rec.Err != nil {
			return nil
		}
		if line = bytes.Trim(line, " \t\r"); len(line) == 0 {
			continue
		}
		rec.Err = rec.User.fromJSON(line)
		return nil
	}
}

// readLine reads one line into r.raw, however many chunks it has.
func (r *Reader) readLine(rec *Record) (tooLong bool, err error) {
	r.raw = r.raw[:0]
	rec.Line = r.line + 1
	for begun := false; ; begun = true {
		b, err := r.chunk()
		if err == io.EOF && begun {
			return tooLong, nil
		}
		if err != nil {
			return tooLong, err
		}
		if err := r.keep(b, &tooLong); err != nil {
			return tooLong, err
		}
		if r.line >= rec.Line {
			return tooLong, nil
		}
	}
}

// fromJSON reads an object strictly: encoding/json alone takes members of
// other case and the last of several.
func (u *User) fromJSON(line []byte) error {
	if line[0] == '[' {
		return errors.New("is a JSON array, not an object; jq -c '.[]' makes lines of one")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(line, &whole); err != nil {
		return fmt.Errorf("is not a user in JSON: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.New("is not a user in JSON: not an object")
	}
	seen := make(map[member]bool)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return errors.New("is not a user in JSON")
		}
		var raw jsonValue
		if err := dec.Decode((*json.RawMessage)(&raw)); err != nil {
			return errors.New("is not a user in JSON")
		}
		m, err := parseMember(key.(string)) // of an object every other token is a string
		if err != nil {
			return err
		}
		if seen[m] {
			return fmt.Errorf("member %s comes twice", m)
		}
		seen[m] = true
		if err := u.set(m, raw); err != nil {
			return err
		}
	}
	return nil
}

// jsonValue is a value of JSON that is well formed. Null is nothing.
type jsonValue json.RawMessage

func (v jsonValue) null() bool { return string(v) == "null" }

func (v jsonValue) text() (string, error) {
	if v.null() {
		return "", nil
	}
	if v[0] != '"' {
		return "", errors.New("is not a string")
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return "", errors.New("is not a string")
	}
	// encoding/json puts U+FFFD for half a surrogate pair, which is another name
	// than the one that was meant.
	if strings.ContainsRune(s, utf8.RuneError) && !bytes.Contains(v, []byte("\ufffd")) && !bytes.Contains(bytes.ToLower(v), []byte(`\ufffd`)) {
		return "", errors.New("has half a character in it (a lone surrogate)")
	}
	return s, nil
}

func (v jsonValue) id() (string, error) {
	if c := v[0]; c != '-' && (c < '0' || c > '9') {
		if s, err := v.text(); err == nil {
			return s, nil
		}
		return "", errors.New("is neither a string nor a number")
	}
	if bytes.ContainsAny(v, ".eE") {
		return "", errors.New("is not a whole number; write it as a string")
	}
	return string(v), nil // digit by digit: no float rounds it
}

func (v jsonValue) flag() (bool, error) {
	switch string(v) {
	case "true":
		return true, nil
	case "false", "null":
		return false, nil
	}
	return false, errors.New("is neither true nor false")
}

func (v jsonValue) list() ([]string, error) {
	if v.null() {
		return nil, nil
	}
	var items []json.RawMessage
	if v[0] != '[' || json.Unmarshal(v, &items) != nil {
		return nil, errors.New("is not an array of strings")
	}
	var out []string
	for _, item := range items {
		s, err := jsonValue(item).text()
		if err != nil || s == "" {
			return nil, errors.New("is not an array of strings with something in them")
		}
		out = append(out, s)
	}
	return out, nil
}

func (v jsonValue) since() (bool, time.Time, error) {
	if v[0] != '"' {
		set, err := v.flag()
		if err != nil {
			return false, time.Time{}, errors.New("is neither true nor false nor a time")
		}
		return set, time.Time{}, nil
	}
	text, err := v.text()
	if err != nil {
		return false, time.Time{}, err
	}
	t, err := parseTime(text)
	return err == nil, t, err
}
