package gatehouse

import (
	"strings"

	"github.com/gatehouse-auth/gatehouse/internal/password"
)

const breachedCure = "name a readable file of SHA-1 hashes in order, as Have I Been Pwned's downloader writes it, or leave it out"

// openBreached opens the list of breached passwords; no file is no list.
func openBreached(file string) (*password.BreachedList, error) {
	if file == "" {
		return nil, nil
	}
	list, err := password.OpenBreached(file)
	if err != nil {
		p := &Problems{}
		p.add("password.breached_file", breachedCure, "cannot be used: %s", strings.TrimPrefix(err.Error(), password.ErrBreachedList.Error()+": "))
		return nil, p.err()
	}
	return list, nil
}
