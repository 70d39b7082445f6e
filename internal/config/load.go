package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// loader gathers the settings and everything that is wrong with them.
type loader struct {
	settings Settings
	problems []Problem
	// file is the name of the configuration file, for messages.
	file string
	// inlineSecrets: the configuration file holds a secret itself.
	inlineSecrets bool
	// secretFiles are the files to read, by the path of the secrets in them.
	secretFiles map[string]secretFile
}

// Load reads the file, unless file is empty, then the variables of environ
// that begin with GATEHOUSE_ (as os.Environ gives them) over it, then files of
// secrets, and checks the whole. On success every setting has its value or its
// default. The error is an *[Error] with all problems at once, those of the file
// in the order of its lines; none of them shows a secret.
//
// In the environment the name of a setting is GATEHOUSE_ and its path in
// capitals, joined by underscores; elements of lists have their index. A list
// of texts may also be one variable with commas. An empty variable sets the
// default back. Unknown keys and unknown variables are refused.
func Load(file string, environ []string) (Settings, error) {
	l := &loader{
		settings:    Settings{origins: map[string]string{}},
		secretFiles: map[string]secretFile{},
	}
	if file != "" && !l.readFile(file) {
		return Settings{}, l.err() // what it would have said cannot be missed yet
	}
	l.readEnviron(environ)
	l.readSecretFiles()
	l.check()
	if err := l.err(); err != nil {
		return Settings{}, err
	}
	return l.settings, nil
}

// Check checks settings that were put together in memory as [Load] checks what
// it has read, and returns all problems at once as an *[Error], or nil. Secrets
// are looked at as they stand in s; it changes nothing.
func Check(s Settings) error {
	l := &loader{settings: s}
	l.settings.origins = map[string]string{}
	l.check()
	return l.err()
}

// check fills the defaults in and looks at everything.
func (l *loader) check() {
	s := &l.settings
	s.Config, s.Server = s.Config.WithDefaults(), s.Server.WithDefaults()
	l.noteValidation(s.Config.Validate())
	l.checkServer()
}

// err returns what is wrong so far, or nil: what stands in the file by its
// lines, then the rest as it was found.
func (l *loader) err() error {
	if len(l.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return cmp.Compare(l.lineOf(a), l.lineOf(b)) })
	return &Error{Problems: l.problems}
}

// lineOf is the number of the line of the configuration file that the problem
// is about, or more than any file has.
func (l *loader) lineOf(p Problem) int {
	if number, ok := strings.CutPrefix(p.Where, l.file+":"); ok && l.file != "" {
		if n, err := strconv.Atoi(number); err == nil {
			return n
		}
	}
	return maxFile + 1
}
