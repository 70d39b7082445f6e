package doctor

import (
	"crypto/x509"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

const (
	othersRead  fs.FileMode = 0o004
	othersWrite fs.FileMode = 0o002
	othersEnter fs.FileMode = 0o001
)

// file returns the first file of the role that exists.
func (j *judge) file(role Role) (File, bool) {
	for _, f := range j.Files {
		if f.Role == role && !f.Missing {
			return f, true
		}
	}
	return File{}, false
}

// files judges by mode bits: whether the account that runs the doctor may do
// something says little, for it is often root.
func (j *judge) files() {
	for _, f := range j.Files {
		if f.Missing || f.Mode&fs.ModeSymlink != 0 || f.UID < 0 {
			continue
		}
		switch f.Role {
		case SettingsFile:
			if f.Mode&othersWrite != 0 {
				j.add("settings-writable", "", "chmod o-w "+quoted(f.Path), "%s has mode %04o", f.Path, f.Mode.Perm())
			}
		case FileFolder, DatabaseFolder:
			if f.Mode&othersWrite != 0 && f.Mode&fs.ModeSticky == 0 {
				j.add("folder-writable", "", "chmod o-w "+quoted(f.Path), "%s, %s, has mode %04o", f.Path, f.Role, f.Mode.Perm())
			}
		}
	}
	j.databaseModes()
	j.databaseOwners()
	switch d := j.Disk; {
	case d.Kind != "":
		j.add("database-on-network", "database.path", "move the three files to a local disk with the server stopped, and name the new path in database.path",
			"%s lies on a file system of type %s", j.Settings.Database.Path, d.Kind)
	case d.ReadOnly:
		j.add("database-read-only", "database.path", "look into the system's log for the reason (dmesg); then mount it for writing again: mount -o remount,rw …",
			"the file system of %s is mounted read-only", j.Settings.Database.Path)
	}
	if !j.Disk.Known {
		return
	}
	const room = "make room: df -h " // and the path
	switch free := j.Disk.Free; {
	case free < 16<<20:
		j.add("disk-full", "database.path", room+quoted(filepath.Dir(j.Settings.Database.Path)), "%s is free on the disk of the database", size(free))
	case free < 256<<20:
		j.add("disk-nearly-full", "database.path", room+quoted(filepath.Dir(j.Settings.Database.Path)), "%s is free on the disk of the database", size(free))
	}
}

// databaseModes looks for files that every account can reach: those in a folder
// that nobody else may enter are safe whatever their own mode.
func (j *judge) databaseModes() {
	folder, ok := j.file(DatabaseFolder)
	if !ok || folder.Mode&othersEnter == 0 {
		return
	}
	var open, names []string
	for _, f := range j.Files {
		switch f.Role {
		case DatabaseFile, DatabaseLog, DatabaseShared:
			if !f.Missing && f.UID >= 0 && f.Mode&(othersRead|othersWrite) != 0 {
				open = append(open, fmt.Sprintf("%s has mode %04o", f.Path, f.Mode.Perm()))
				names = append(names, quoted(f.Path))
			}
		}
	}
	if len(open) > 0 {
		j.add("database-open", "database.path", "chmod 600 "+strings.Join(names, " ")+"\nchmod 700 "+quoted(folder.Path), "%s", strings.Join(open, "; "))
	}
}

// databaseOwners takes the owner of the database for the account of the server.
func (j *judge) databaseOwners() {
	db, ok := j.file(DatabaseFile)
	if !ok || db.UID < 0 {
		return
	}
	var alien, names []string
	for _, role := range []Role{DatabaseLog, DatabaseShared, DatabaseLock} {
		if f, ok := j.file(role); ok && f.UID != db.UID && !mayWrite(f, db.UID, db.GID) {
			alien = append(alien, fmt.Sprintf("%s belongs to account %d", f.Path, f.UID))
			names = append(names, quoted(f.Path))
		}
	}
	if len(alien) > 0 {
		j.add("database-files-owner", "database.path",
			fmt.Sprintf("chown %d:%d %s\nand run commands as the server's account: sudo -u '#%d' gatehouse …", db.UID, db.GID, strings.Join(names, " "), db.UID),
			"%s, and the database to account %d", strings.Join(alien, "; "), db.UID)
	}
	if folder, ok := j.file(DatabaseFolder); ok && !mayWrite(folder, db.UID, db.GID) {
		j.add("database-folder-unwritable", "database.path", fmt.Sprintf("chown %d:%d %s && chmod 700 %[3]s", db.UID, db.GID, quoted(folder.Path)),
			"%s belongs to account %d and has mode %04o, and the database to account %d", folder.Path, folder.UID, folder.Mode.Perm(), db.UID)
	}
}

// mayWrite says by the mode bits whether the account may write. Root may always.
func mayWrite(f File, uid, gid int) bool {
	switch {
	case uid == 0:
		return true
	case uid == f.UID:
		return f.Mode&0o200 != 0
	case gid == f.GID:
		return f.Mode&0o020 != 0
	}
	return f.Mode&0o002 != 0
}

// size is a number of bytes for people.
func size(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// certificateFile judges tls.cert_file by itself, before anybody connects.
func (j *judge) certificateFile() {
	if len(j.Certificate) == 0 {
		return
	}
	leaf, path := j.Certificate[0], j.Settings.CertFile
	j.certificateDates(leaf, path, "tls.cert_file", "renew it and put the new files in place of tls.cert_file and tls.key_file; they are read within ten seconds")
	if host := j.host(); leaf.VerifyHostname(host) != nil {
		j.add("certificate-name", "tls.cert_file", "get a certificate for "+host+", or correct public_origin", "%s is for %s, and public_origin has %s", path, namesOf(leaf), host)
	}
}

// soon is how long before its end a certificate should have been renewed:
// those who renew by themselves do so a month before or earlier.
const soon = 14 * 24 * time.Hour

func (j *judge) certificateDates(leaf *x509.Certificate, what, setting, renew string) {
	switch {
	case j.Now.After(leaf.NotAfter):
		j.add("certificate-expired", setting, renew, "%s ended on %s", what, leaf.NotAfter.UTC().Format(time.DateTime))
	case j.Now.Before(leaf.NotBefore):
		j.add("certificate-not-yet-valid", setting, "compare the clock with another one (date -u, timedatectl), set it right, or get another certificate",
			"%s begins on %s, and here it is %s", what, leaf.NotBefore.UTC().Format(time.DateTime), j.Now.UTC().Format(time.DateTime))
	case leaf.NotAfter.Sub(j.Now) < soon && leaf.NotAfter.Sub(leaf.NotBefore) > soon:
		j.add("certificate-expires-soon", setting, renew, "%s ends on %s", what, leaf.NotAfter.UTC().Format(time.DateTime))
	}
}

func namesOf(c *x509.Certificate) string {
	names := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name at all"
	}
	return tame(strings.Join(names, ", "))
}

// host is the host name of the public origin.
func (j *judge) host() string {
	u, err := url.Parse(j.Settings.PublicOrigin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
