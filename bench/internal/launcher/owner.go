package launcher

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// DialAsOwner connects as the user whom a socket belongs to: the launcher talks
// to nobody else. Needs root, or to be that user.
func DialAsOwner(socketPath string, info os.FileInfo) (*Client, error) {
	about, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, errors.New("the socket's owner is unknown")
	}
	// The kernel notes the effective user of the thread that connects. Only this
	// thread changes, and changes back.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setEffectiveUser(about.Uid); err != nil {
		return nil, err
	}
	client, err := Dial(socketPath)
	if back := setEffectiveUser(uint32(os.Getuid())); back != nil {
		// Not this thread any more, whatever it is used for next.
		panic(back)
	}
	return client, err
}

func setEffectiveUser(uid uint32) error {
	const keep = ^uintptr(0)
	if _, _, err := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uintptr(uid), keep); err != 0 {
		return err
	}
	return nil
}
