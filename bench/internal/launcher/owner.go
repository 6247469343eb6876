package launcher

import (
	"os"
	"runtime"
	"syscall"
)

// DialAs connects as a user: the launcher talks only to the one whom its socket
// belongs to. Needs root, or to be that user.
func DialAs(socketPath string, uid int) (*Client, error) {
	// The kernel notes the effective user of the thread that connects. Only this
	// thread changes, and changes back.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setEffectiveUser(uid); err != nil {
		return nil, err
	}
	client, err := Dial(socketPath)
	if back := setEffectiveUser(os.Getuid()); back != nil {
		// Not this thread any more, whatever it is used for next.
		panic(back)
	}
	return client, err
}

func setEffectiveUser(uid int) error {
	const keep = ^uintptr(0)
	if _, _, err := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uintptr(uid), keep); err != 0 {
		return err
	}
	return nil
}
