package doctor

import (
	"bufio"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// networkKinds are file systems on which a write-ahead log does not work, by
// the number that statfs gives (linux/magic.h, statfs(2)).
var networkKinds = map[int64]string{
	0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB2", 0x5346414f: "AFS", 0x01021997: "9p",
	0x65735546: "FUSE", 0x00c36400: "Ceph", 0x0bd00bd0: "Lustre", 0x47504653: "GPFS", 0x73757245: "Coda", 0x19830326: "BeeGFS",
}

// disk looks at the file system that the folder is on.
func disk(folder string) Disk {
	var s unix.Statfs_t
	if unix.Statfs(folder, &s) != nil {
		return Disk{}
	}
	return Disk{
		Kind: networkKinds[int64(uint32(s.Type))], Known: s.Blocks > 0, Free: s.Bavail * uint64(s.Bsize), ReadOnly: s.Flags&unix.ST_RDONLY != 0,
	}
}

// machine looks at what the process of the server may use, or this one when the
// server's is not known.
func machine(pid int) Machine {
	m := Machine{Cores: runtime.GOMAXPROCS(0)}
	m.Memory, m.MemoryOf = memoryOf("/", pid)
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			m.Container = true
		}
	}
	m.Container = m.Container || os.Getenv("KUBERNETES_SERVICE_HOST") != "" || os.Getenv("container") != ""
	return m
}

// memoryOf is the least of the machine's memory and the limits of the control
// groups (version 2) that the process is in. root is where /proc and /sys are.
func memoryOf(root string, pid int) (limit uint64, whose string) {
	if f, err := os.Open(path.Join(root, "proc/meminfo")); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == "MemTotal:" {
				if kib, err := strconv.ParseUint(words[1], 10, 64); err == nil {
					limit, whose = kib<<10, "this machine"
				}
			}
		}
	}
	who := "self"
	if pid > 0 {
		who = strconv.Itoa(pid)
	}
	groups, err := os.ReadFile(path.Join(root, "proc", who, "cgroup"))
	if err != nil {
		return limit, whose
	}
	for line := range strings.Lines(string(groups)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for at := path.Clean("/" + group); ; at = path.Dir(at) {
			text, err := os.ReadFile(path.Join(root, "sys/fs/cgroup", at, "memory.max"))
			if n, bad := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && (limit == 0 || n < limit) {
				limit, whose = n, "the control group "+at
			}
			if at == "/" {
				break
			}
		}
	}
	return limit, whose
}
