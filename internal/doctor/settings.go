package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// refusedSettings sorts what the loader found by its cause, and leaves out what
// seems to be missing only because of a mistake named already.
func (j *judge) refusedSettings() {
	for _, p := range j.Problems {
		if j.follows(p) {
			continue
		}
		seen := strings.TrimSpace(p.Setting + " " + p.Problem)
		if p.Where != "" {
			seen = p.Where + ": " + seen
		}
		j.add(refusedID(p), p.Setting, p.Cure, "%s", seen)
	}
}

const (
	unknownSetting = "is not a setting"
	holdsSecrets   = "holds secrets and"
	isMissing      = "is missing"
)

// follows says whether p is the consequence of another problem: a setting that
// is missing because its name is misspelt, or because the file cannot be read.
func (j *judge) follows(p Problem) bool {
	if p.Problem != isMissing {
		return false
	}
	for _, other := range j.Problems {
		switch {
		case refusedID(other) == "settings-unreadable":
			return true
		case refusedID(other) == "setting-unknown" && strings.Contains(other.Cure, "did you mean "+p.Setting):
			return true
		}
	}
	return false
}

// refusedID is the kind of a problem with a setting.
func refusedID(p Problem) string {
	within := func(prefix string) bool { return strings.HasPrefix(p.Setting, prefix) }
	secret := within("secrets") || within("password.peppers") || within("keys.master") || within("mounts") && strings.Contains(p.Setting, "].secrets")
	switch {
	case p.Setting == "" && strings.Contains(p.Problem, holdsSecrets):
		return "settings-open"
	case p.Setting == "":
		return "settings-unreadable"
	case strings.HasPrefix(p.Problem, unknownSetting):
		return "setting-unknown"
	case secret && strings.HasSuffix(p.Setting, "_file"):
		return "secret-file-refused"
	case secret:
		return "secret-refused"
	case p.Setting == "public_origin":
		return "public-origin-refused"
	case within("tls"):
		return "tls-refused"
	case p.Setting == "database.path":
		return "database-path-refused"
	case within("client_address"):
		return "client-address-refused"
	}
	return "setting-refused"
}

// advice passes the loader's warnings on, but for those that the doctor judges
// by itself.
func (j *judge) advice() {
	for _, p := range j.Settings.Advice {
		if p.Setting != "listen" && !j.handedOver(p) {
			j.add("settings-advice", p.Setting, p.Cure, "%s %s", p.Setting, p.Problem)
		}
	}
}

// longAdoption is twice the life of a session that NextAuth seals by default,
// and some time for a weekend.
const longAdoption = 65 * 24 * time.Hour

// adoption looks at migrations that last, or are over.
func (j *judge) adoption() {
	for i, m := range j.Settings.Mounts {
		setting := fmt.Sprintf("mounts[%d].adopt_until", i)
		switch left := m.AdoptUntil.Sub(j.Now); {
		case m.AdoptUntil.IsZero():
		case left <= 0:
			j.add("adoption-over", setting, "take the line out", "it ended at %s", m.AdoptUntil.Format(time.DateTime))
		case left > longAdoption:
			j.add("adoption-long", setting, "name an earlier day: as long ahead as the application's session.maxAge, and some days", "it goes on for another %d days", int(left.Hours()/24))
		}
		if m.AdoptUntil.After(j.Now) && j.Database.Version > 0 && j.Database.OldIDs[m.BasePath] == 0 {
			j.add("adoption-of-nobody", setting, "import the users with their IDs (old_id): gatehouse user import FILE --mount "+m.BasePath+j.flag(), "nobody was imported with an ID at %s", m.BasePath)
		}
	}
}

// handedOver says whether the advice is about a file of secrets that root owns
// and the group can only read: so the system hands it to the server's account,
// which then cannot change it.
func (j *judge) handedOver(p Problem) bool {
	return strings.HasSuffix(p.Setting, "secrets_file") && slices.ContainsFunc(j.Files, func(f File) bool {
		return f.Role == SecretFile && f.UID == 0 && f.GID != 0 && f.Mode&0o020 == 0 && strings.Contains(p.Problem, " "+f.Path+",")
	})
}
