package config

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
// default. The error is an *[Error] with all problems at once; none of them
// shows a secret.
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
	if file != "" {
		l.readFile(file)
	}
	l.readEnviron(environ)
	l.readSecretFiles()

	s := &l.settings
	s.Config, s.Server = s.Config.WithDefaults(), s.Server.WithDefaults()
	l.noteValidation(s.Config.Validate())
	l.checkServer()
	if len(l.problems) > 0 {
		return Settings{}, &Error{Problems: l.problems}
	}
	return *s, nil
}
