package security_test

import (
	"go/ast"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/config"
)

const cryptography = "docs/security/cryptography.md"

// cryptographic says whether a package is one of cryptography.
func cryptographic(path string) bool {
	if strings.HasPrefix(path, module) {
		return false // what it uses itself is listed
	}
	return strings.HasPrefix(path, "crypto/") || strings.HasPrefix(path, "golang.org/x/crypto/") || strings.Contains(path, "jose") || strings.Contains(path, "jwt") ||
		strings.HasPrefix(path, "math/rand") || path == "hash/fnv" || path == "hash/crc32"
}

// Every use of cryptography stands in the inventory, by package; a new import
// fails until somebody has written down what it is for.
//
// proves: ASVS 11.1.3, ASVS 11.4.1
func TestCryptography_everyUseIsInTheInventory(t *testing.T) {
	var is []string
	for _, s := range sources(t) {
		for path := range s.imports {
			if cryptographic(path) {
				is = append(is, folderName(s.folder)+" imports "+path)
			}
		}
	}
	var said []string
	for _, row := range table(t, section(t, cryptography, "## Where cryptography is called")) {
		for _, path := range code(row[1]) {
			said = append(said, code(row[0])[0]+" imports "+path)
		}
	}
	sameSets(t, "imports of cryptography", said, is)
}

// What is broken is used nowhere, and SHA-1 where others have chosen it alone:
// imported hashes, lists of breached passwords, the keys of iron-session's seals.
//
// proves: ASVS 11.4.1, ASVS 11.3.1
func TestCryptography_whatIsBrokenIsUsedNowhere(t *testing.T) {
	allowed := map[string][]string{
		"crypto/md5": nil, "crypto/des": nil, "crypto/rc4": nil, "crypto/dsa": nil, "math/rand": nil, "math/rand/v2": nil,
		"crypto/sha1": {"internal/password", "internal/seal"},
	}
	broken := []string{"EncryptPKCS1v15", "DecryptPKCS1v15", "DecryptPKCS1v15SessionKey", "NewOFB", "NewCFBEncrypter", "NewCFBDecrypter"}
	seen := map[string]bool{}
	for _, s := range sources(t) {
		for path := range s.imports {
			folders, listed := allowed[path]
			if listed && !slices.Contains(folders, s.folder) {
				t.Errorf("%s/%s imports %s", s.folder, s.name, path)
			}
			seen[path] = true
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(broken, sel.Sel.Name) {
				t.Errorf("%s/%s uses %s", s.folder, s.name, sel.Sel.Name)
			}
			return true
		})
	}
	if !seen["crypto/sha1"] || !seen["crypto/sha256"] {
		t.Error("no import of SHA-1 or SHA-256 was seen, so the others may have been passed over as well")
	}
}

func folderName(folder string) string {
	if folder == "" {
		return "."
	}
	return folder
}

// Which algorithms the code can use, and under which label each key is derived.
//
// proves: ASVS 11.1.2
func TestCryptography_namesEveryAlgorithmAndKey(t *testing.T) {
	var calls, labels []string
	for _, s := range sources(t) {
		byName := map[string]string{}
		for path, name := range s.imports {
			if cryptographic(path) && path != "crypto/x509" {
				byName[name] = path
			}
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			// A function that is called, or handed on as a value.
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if ok && byName[x.Name] != "" && algorithm(byName[x.Name], sel.Sel.Name) {
				calls = append(calls, x.Name+"."+sel.Sel.Name)
			}
			return true
		})
		labels = append(labels, literals(s, "gatehouse ", " v1")...)
	}
	text := section(t, cryptography, "## The algorithms")
	var said []string
	for _, row := range table(t, text) {
		said = append(said, code(row[2])...)
	}
	sameSets(t, "calls of cryptography", said, calls)

	said = nil
	for _, row := range table(t, section(t, cryptography, "## The keys")) {
		if label := code(row[0])[0]; strings.HasPrefix(label, "gatehouse ") {
			said = append(said, label)
		}
	}
	sameSets(t, "labels of derived keys", said, labels)
}

// algorithm leaves types, constants and errors out.
func algorithm(path, name string) bool {
	if path == "crypto/tls" {
		return strings.HasPrefix(name, "TLS_") || strings.HasPrefix(name, "VersionTLS")
	}
	return !slices.Contains([]string{
		"Size", "BlockSize", "Version", "AEAD", "Block", "MinCost", "MaxCost", "DefaultCost", "ErrMismatchedHashAndPassword", "ErrHashTooShort",
		"PublicKey", "PublicKeySize", "SignatureSize", "Curve", "PSSOptions", "PSSSaltLengthEqualsHash",
	}, name) && !strings.HasPrefix(name, "Err")
}

// literals are the strings in a file that begin and end so.
func literals(s source, begin, end string) (list []string) {
	ast.Inspect(s.File, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, err := strconv.Unquote(l.Value); err == nil && strings.HasPrefix(text, begin) && strings.HasSuffix(text, end) {
				list = append(list, text)
			}
		}
		return true
	})
	return list
}

// proves: ASVS 11.1.1, ASVS 13.1.4
func TestCryptography_namesEverySecretItsHolderAndItsEnd(t *testing.T) {
	is := append(secretSettings(reflect.TypeFor[config.Settings](), ""), "tls.key_file")
	var said []string
	for _, row := range table(t, section(t, cryptography, "## The secrets")) {
		said = append(said, code(row[0])[0])
		for i, cell := range row {
			if cell == "" {
				t.Errorf("%s: column %d is empty", row[0], i+1)
			}
		}
	}
	sameSets(t, "secrets", said, is)
	rules := section(t, cryptography, "## The rules for keys")
	for _, step := range []string{"**Made**", "**Kept**", "**Replaced**", "**Given up**", "**Held**"} {
		if !strings.Contains(rules, step) {
			t.Errorf("the rules for keys do not say how one is %s", step)
		}
	}
}

// secretSettings are the settings whose values are secret.
func secretSettings(t reflect.Type, prefix string) (list []string) {
	for f := range t.Fields() {
		name, ok := f.Tag.Lookup("conf")
		inner := f.Type
		switch {
		case f.Anonymous:
			list = append(list, secretSettings(f.Type, prefix)...)
			continue
		case !ok || name == "-":
			continue
		}
		if inner.Kind() == reflect.Map && inner.Elem() == reflect.TypeFor[auth.Secret]() {
			list = append(list, prefix+name)
			continue
		}
		many := ""
		if inner.Kind() == reflect.Slice {
			inner, many = inner.Elem(), "[]"
		}
		switch {
		case inner == reflect.TypeFor[auth.Secret]():
			list = append(list, prefix+name)
		case inner.Kind() == reflect.Struct:
			list = append(list, secretSettings(inner, prefix+name+many+".")...)
		}
	}
	return list
}

// proves: ASVS 11.1.4
func TestCryptography_plansTheNextAlgorithm(t *testing.T) {
	text := section(t, cryptography, "## Moving to newer algorithms")
	for _, kind := range []string{"Password hashes", "`gh`", "session cookie", "secrets that are stored", "TLS", "quantum"} {
		if !strings.Contains(text, kind) {
			t.Errorf("the plan does not speak of %s", kind)
		}
	}
	for i := 1; i <= 4; i++ {
		if !strings.Contains(text, "\n"+strconv.Itoa(i)+". ") {
			t.Errorf("the plan has no step %d", i)
		}
	}
}
