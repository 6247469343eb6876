package baseline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"serverless-orchestrator/bench/internal/machine"
	"serverless-orchestrator/bench/internal/stats"
)

// usrLinks are directories of the root that lie in /usr today.
var usrLinks = []string{"/bin", "/sbin", "/lib", "/lib64"}

// makeRoot makes a root directory into which /usr is to be mounted.
func makeRoot(path string) error {
	for _, directory := range []string{"usr", "proc", "dev", "tmp", "sys", "etc"} {
		if err := os.MkdirAll(filepath.Join(path, directory), 0o755); err != nil {
			return err
		}
	}
	for _, link := range usrLinks {
		if err := os.Symlink("usr"+link, filepath.Join(path, link)); err != nil {
			return err
		}
	}
	return nil
}

// addBundles adds crun and runc, which run the same bundles.
func (s *Set) addBundles(ctx context.Context) {
	for _, program := range s.programs {
		bundle := filepath.Join(s.work, "bundle-"+program.Name)
		err := makeBundle(bundle, program)
		for _, tool := range []string{"crun", "runc"} {
			found := Case{ID: tool + "/" + program.Name, Title: tool + " run " + program.Name, Share: 0.5}
			path, missing := machine.Find(tool)
			switch {
			case err != nil:
				found.Problem = err
			case missing != nil:
				found.Problem = missing
			case os.Getuid() != 0:
				found.Problem = fmt.Errorf("needs root")
			default:
				found.Operation = runBundle(path, bundle)
			}
			if tool == "crun" {
				found = s.withoutUnified(ctx, found)
			}
			s.add(ctx, found)
		}
	}
}

// withoutUnified hides cgroup v2 from what does not start otherwise.
func (s *Set) withoutUnified(ctx context.Context, found Case) Case {
	if found.Problem != nil || found.Operation(ctx) == nil {
		return found
	}
	if s.v1 == nil {
		threads, err := newV1Only()
		if err != nil {
			return found
		}
		s.v1 = threads
	}
	found.Operation = s.v1.wrap(found.Operation)
	found.Title += " (cgroup v1 alone)"
	return found
}

func runBundle(tool, bundle string) stats.Operation {
	var count atomic.Int64
	return func(ctx context.Context) error {
		id := fmt.Sprintf("so-bench-%d-%s-%d", os.Getpid(), filepath.Base(bundle), count.Add(1))
		return start([]string{tool, "run", "--bundle", bundle, id})(ctx)
	}
}

func makeBundle(path string, program Program) error {
	if err := makeRoot(filepath.Join(path, "rootfs")); err != nil {
		return err
	}
	text, err := json.MarshalIndent(config(program.Command), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(path, "config.json"), text, 0o644)
}

type object = map[string]any

// config is what `runc spec` writes, with /usr of the machine, no network, and
// the limits that an instance of the platform has by default.
func config(command []string) object {
	mount := func(destination, kind, source string, options ...string) object {
		return object{"destination": destination, "type": kind, "source": source, "options": options}
	}
	capabilities := []string{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	return object{
		"ociVersion": "1.0.2",
		"process": object{
			"user":            object{"uid": 0, "gid": 0},
			"args":            command,
			"env":             []string{"PATH=/usr/local/bin:/usr/bin:/bin"},
			"cwd":             "/",
			"noNewPrivileges": true,
			"capabilities":    object{"bounding": capabilities, "effective": capabilities, "permitted": capabilities},
			"rlimits":         []object{{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}},
		},
		"root":     object{"path": "rootfs", "readonly": true},
		"hostname": "bench",
		"mounts": []object{
			mount("/usr", "bind", "/usr", "bind", "ro", "nosuid", "nodev"),
			mount("/proc", "proc", "proc"),
			mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
			mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
			mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
			mount("/tmp", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=1777", "size=65536k"),
		},
		"linux": object{
			"resources": object{
				"devices": []object{{"allow": false, "access": "rwm"}},
				"memory":  object{"limit": 128 << 20},
				"pids":    object{"limit": 128},
				"cpu":     object{"quota": 100000, "period": 100000},
			},
			"namespaces": []object{{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}},
			"maskedPaths": []string{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
				"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi"},
			"readonlyPaths": []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		},
	}
}
