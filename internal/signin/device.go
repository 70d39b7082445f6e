package signin

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// Devices makes and reads what a browser keeps to be known by an account: proof
// that somebody has signed in to it there before. It opens nothing. All it does
// is that wrong passwords from elsewhere do not hold that browser up, and its
// own do not hold up others (CB-26).
//
// The text is a list of "<ID>.<MAC>", one for each account that was signed in to
// there. The ID is random; the MAC, under a key that only Gatehouse has, ties it
// to the user, who is not named.
type Devices struct{ keys [][]byte }

// deviceUsers is how many accounts one browser is known to; the oldest goes.
const deviceUsers = 4

const (
	deviceIDBytes  = 9
	deviceMACBytes = 18
	deviceEntry    = (deviceIDBytes+deviceMACBytes)*4/3 + 1
	deviceText     = deviceUsers*(deviceEntry+1) - 1
)

// NewDevices derives its keys; the first secret makes, all read.
func NewDevices(secrets []auth.Secret) (d Devices, err error) {
	for _, s := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(s.Reveal()), nil, "gatehouse known devices v1", sha256.Size)
		if err != nil {
			return d, fmt.Errorf("derive device key: %w", err)
		}
		d.keys = append(d.keys, key)
	}
	return d, nil
}

// Known returns the ID under which the browser with the text is known to the
// user; empty when it is not.
func (d Devices) Known(text string, user auth.UserID) string {
	for _, entry := range entries(text) {
		id, mac, _ := strings.Cut(entry, ".")
		for _, key := range d.keys {
			if hmac.Equal([]byte(mac), []byte(deviceMAC(key, id, user))) && user != "" {
				return id
			}
		}
	}
	return ""
}

// Remember returns the text with which the browser is known to the user from
// now on, and to those it was known to before. It is the same text when nothing
// need change.
func (d Devices) Remember(text string, user auth.UserID) string {
	list := entries(text)
	if len(d.keys) == 0 || d.Known(text, user) != "" && strings.Join(list, "~") == text {
		return text
	}
	list = slices.DeleteFunc(list, func(entry string) bool { return d.Known(entry, user) != "" })
	id := make([]byte, deviceIDBytes)
	rand.Read(id)
	name := base64.RawURLEncoding.EncodeToString(id)
	list = append([]string{name + "." + deviceMAC(d.keys[0], name, user)}, list...)
	return strings.Join(list[:min(len(list), deviceUsers)], "~")
}

func deviceMAC(key []byte, id string, user auth.UserID) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "\x00" + string(user)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:deviceMACBytes])
}

// entries takes the text apart; what is not of the form is left out.
func entries(text string) (list []string) {
	if len(text) > deviceText {
		return nil
	}
	for entry := range strings.SplitSeq(text, "~") {
		if len(entry) == deviceEntry && strings.IndexByte(entry, '.') == deviceIDBytes*4/3 {
			list = append(list, entry)
		}
	}
	return list
}
