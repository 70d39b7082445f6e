package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// secretFile is a file that holds secrets, one a line.
type secretFile struct {
	// name is the path of the file, setting the path of the setting naming it.
	name, setting string
}

// readSecretFiles puts the content of the files into the settings.
func (l *loader) readSecretFiles() {
	for _, path := range slices.Sorted(maps.Keys(l.secretFiles)) {
		f := l.secretFiles[path]
		lines, ok := l.readSecrets(f)
		if !ok {
			continue
		}
		v, _ := valueAt(reflect.ValueOf(&l.settings).Elem(), path)
		l.settings.origins[path] = "file " + f.name
		if kindOf(v.Type()) == kindSecret {
			v.SetString(strings.Join(lines, "\n"))
			continue
		}
		v.SetZero()
		for i, line := range lines {
			v.Set(reflect.Append(v, reflect.ValueOf(line).Convert(v.Type().Elem())))
			l.settings.origins[item(path, i)] = fmt.Sprintf("%s:%d", f.name, i+1)
		}
	}
}

// readSecrets returns the lines of the file, without the line breaks at its
// end. Its problems carry the name of the setting that names the file.
func (l *loader) readSecrets(f secretFile) ([]string, bool) {
	if f.name == "" {
		l.note(f.setting, "name the file that holds the secrets", "names no file")
		return nil, false
	}
	content, mode, err := readBounded(f.name)
	if err != nil {
		cure := `make it with "gatehouse secret generate > FILE"`
		if errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(f.name) {
			cure += ", or, if it is there, go to the folder that its path starts from: that is where this is run"
		}
		l.note(f.setting, cure, "names %s: %v", f.name, cause(err))
		return nil, false
	}
	if problem := OpenToOthers(mode); problem != "" {
		l.note(f.setting, "chmod 600 "+f.name+" (a mounted secret of a container: mode 0400)", "names %s, which %s", f.name, problem)
		return nil, false
	}
	if mode.IsRegular() && mode.Perm()&0o070 != 0 && runtime.GOOS != "windows" && !credential(f.name, mode) {
		l.warn(f.setting, "chmod 600 "+f.name+" if the group needs it not", "names %s, which its whole group can read or change", f.name)
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	text = strings.TrimRight(text, "\n")
	if text == "" {
		l.note(f.setting, `fill it with "gatehouse secret generate"`, "names %s, which is empty", f.name)
		return nil, false
	}
	return strings.Split(text, "\n"), true
}

// credential says whether the file is one that systemd handed over. Newer
// versions let the service read it by an access control list, whose mask shows
// as a group's right to read; the group itself has none. The variable is
// systemd's and no setting, so it is not among those that Load is given.
func credential(name string, mode os.FileMode) bool {
	folder := os.Getenv("CREDENTIALS_DIRECTORY")
	if !filepath.IsAbs(folder) || mode.Perm()&0o070 != 0o040 {
		return false
	}
	within, err := filepath.Rel(folder, name)
	return err == nil && filepath.IsLocal(within) && within != "."
}

// OpenToOthers says what everybody on the machine may do with a file of this
// mode, or "". Windows keeps such rights elsewhere.
func OpenToOthers(mode os.FileMode) string {
	switch others := mode.Perm() & 0o007; {
	case runtime.GOOS == "windows" || !mode.IsRegular() || others == 0:
		return ""
	case others&0o002 != 0:
		return "every account of this machine can change"
	default:
		return "every account of this machine can read"
	}
}
