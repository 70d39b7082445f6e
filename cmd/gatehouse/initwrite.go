package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// installation is what init writes, and where.
type installation struct {
	dir      string
	settings config.Settings
	// made are the files and folders made so far, for taking them back.
	made []string
}

func newInstallation(dir string, s config.Settings) *installation {
	return &installation{dir: dir, settings: s}
}

func (i *installation) path(name string) string { return filepath.Join(i.dir, name) }

// names are the files that init makes.
func installationFiles() []string { return []string{settingsFile, ownSecretFile, authjsSecretFile} }

// refuseExisting keeps what is there.
func refuseExisting(dir string) error {
	var there []string
	for _, name := range installationFiles() {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			there = append(there, name)
		}
	}
	if there == nil {
		return nil
	}
	return fmt.Errorf("%s has %s already, and init overwrites nothing; move that away, or name another folder with --dir", dir, strings.Join(there, ", "))
}

// refuseUnwritable finds out before anything is asked.
func refuseUnwritable(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a folder; name another with --dir", dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		dir = filepath.Dir(dir) // where it will be made
	}
	if err := writable(dir); err != nil {
		return fmt.Errorf("%s %w with --dir", dir, err)
	}
	return nil
}

// writable tries it: permissions alone do not tell.
func writable(dir string) error {
	probe, err := os.MkdirTemp(dir, ".gatehouse-init-*")
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return fmt.Errorf("cannot be written to (%v); name another folder", err)
	}
	return os.Remove(probe)
}

// write makes everything or nothing. The files are written in a folder beside
// their places and then linked to them, which never replaces what is there.
func (i *installation) write() (err error) {
	defer func() {
		if err != nil {
			i.takeBack()
		}
	}()
	for _, folder := range []string{i.dir, filepath.Dir(i.settings.Database.Path)} {
		if err := i.makeFolder(folder); err != nil {
			return err
		}
	}
	text, err := i.yaml()
	if err != nil {
		return err
	}
	stage, err := os.MkdirTemp(i.dir, ".gatehouse-init-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	for _, f := range []struct{ name, content string }{
		{ownSecretFile, i.settings.Secrets[0].Reveal() + "\n"},
		{authjsSecretFile, i.settings.Mounts[0].Secrets[0].Reveal() + "\n"},
		{settingsFile, text},
	} {
		if err := i.place(filepath.Join(stage, f.name), i.path(f.name), f.content); err != nil {
			return fmt.Errorf("nothing was written: %w", err)
		}
	}
	if err := i.placeGitignore(stage); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	if _, err := config.Load(i.path(settingsFile), nil); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	return nil
}

func (i *installation) makeFolder(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		i.made = append(i.made, path)
	}
	return err
}

// place writes a file and gives it its name once it is whole.
func (i *installation) place(staged, path, content string) error {
	if err := writeNew(staged, content); err != nil {
		return err
	}
	err := os.Link(staged, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = writeNew(path, content) // a file system without links
	}
	if err == nil {
		i.made = append(i.made, path)
	}
	return err
}

// writeNew makes a file for its owner's eyes alone, on the disk when it
// returns; nothing is left of one that fails.
func writeNew(path, content string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}

// takeBack removes what was made, the last first.
func (i *installation) takeBack() {
	for n := len(i.made) - 1; n >= 0; n-- {
		_ = os.Remove(i.made[n])
	}
	i.made = nil
}

// yaml is the configuration file.
func (i *installation) yaml() (string, error) {
	s := i.settings
	w := &yamlWriter{}
	w.line(`# Settings of Gatehouse, from "gatehouse init". All there are, with comments:`)
	w.line(`# gatehouse config example. Check a change with gatehouse config check.`)
	w.line(``)
	w.value("public_origin: ", s.PublicOrigin)
	w.value("name: ", s.Name)
	w.line(``)
	w.line("# Gatehouse's own secret; no application gets it.")
	w.value("secrets_file: ", i.path(ownSecretFile))
	w.line("mounts:")
	w.value("  - base_path: ", s.Mounts[0].BasePath)
	w.value("    dialect: ", s.Mounts[0].Dialect)
	w.line("    # " + secretVariable(s.Mounts[0].Dialect) + " of the application.")
	w.value("    secrets_file: ", i.path(authjsSecretFile))
	w.line(``)
	w.line("database:")
	w.value("  path: ", s.Database.Path)
	w.line("registration:")
	w.value("  mode: ", s.Registration.Mode)
	switch {
	case s.TLS.CertFile != "":
		w.line("tls:")
		w.value("  cert_file: ", s.TLS.CertFile)
		w.value("  key_file: ", s.TLS.KeyFile)
	case s.BehindProxy:
		w.line("behind_proxy: true # a proxy in front ends TLS")
	}
	return w.text.String(), w.err
}

// yamlWriter writes lines; of several errors it keeps the last.
type yamlWriter struct {
	text strings.Builder
	err  error
}

func (w *yamlWriter) line(text string) { w.text.WriteString(text + "\n") }

// value writes a text in quotes where it needs them.
func (w *yamlWriter) value(key, text string) {
	quoted, err := yaml.Marshal(text)
	if err != nil {
		w.err = err
	}
	w.text.WriteString(key + string(quoted))
}

// tell says what was written and what comes next. The secrets are in their
// files and nowhere else.
func (i *installation) tell(w io.Writer) error {
	s := i.settings
	file := shellQuote(i.path(settingsFile))
	base, listen := s.Mounts[0].BasePath, config.Server{}.WithDefaults().Listen
	to := "http://" + listen
	if s.TLS.CertFile != "" {
		_, port, _ := strings.Cut(listen, ":")
		to = "https://" + hostOf(&s) + ":" + port // a name that the certificate has
	}
	app := nextApp{base: base, gatehouse: to, origin: s.PublicOrigin, dialect: s.Mounts[0].Dialect}
	secret := i.path(authjsSecretFile)
	_, err := fmt.Fprintf(w, `Written, for your eyes alone; keep the two secrets out of version control:

  %s
  %s
  %s

Next, a first user, and the server:

  gatehouse user create you@example.org --config %s
  gatehouse serve --config %s

next.config.mjs, inside the exported object:

  %s

.env.local of the application:

%s
or, in the folder of the application, the command that adds these lines:

  %s

and, only if there is code that opens the cookie itself, what that needs:

  %s
`, i.path(settingsFile), i.path(ownSecretFile), secret, file, file, app.rewrite(),
		app.environment("<the line in "+secret+">"), app.append(), app.appendSecret(secret))
	return err
}
