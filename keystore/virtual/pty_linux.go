package virtual

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// openTerminal opens a pseudo-terminal that looks like a FIDO device to libfido2: reading its other end gives whole
// reports of 64 bytes (virtual-key sheet, 3.2). It returns this end and the path of the other one, which belongs to this
// account alone. The terminal never becomes anybody's controlling terminal by our doing.
func openTerminal() (*os.File, string, error) {
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, "", fmt.Errorf("opening a terminal: %w", err)
	}
	master := os.NewFile(uintptr(fd), "/dev/ptmx") // pollable, because it does not block: Close ends a Read
	path, err := unlockTerminal(fd)
	if err == nil {
		err = makeRaw(path)
	}
	if err != nil {
		master.Close()
		return nil, "", fmt.Errorf("preparing a terminal: %w", err)
	}
	return master, path, nil
}

// unlockTerminal allows the other end to be opened, and names it.
func unlockTerminal(master int) (path string, err error) {
	var unlocked, number int32
	if err := ioctl(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked)); err != nil {
		return "", err
	}
	if err := ioctl(master, syscall.TIOCGPTN, unsafe.Pointer(&number)); err != nil {
		return "", err
	}
	return fmt.Sprintf("/dev/pts/%d", number), nil
}

// makeRaw has bytes pass unchanged, and readers of the other end wait for a whole report. The settings stay for as long
// as this end is open. The group that may write to people's terminals is shut out.
func makeRaw(path string) error {
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd) // open, it would hide from us that clients leave
	if err := syscall.Fchmod(fd, uint32(fileMode)); err != nil {
		return err
	}
	var settings syscall.Termios
	if err := ioctl(fd, syscall.TCGETS, unsafe.Pointer(&settings)); err != nil {
		return err
	}
	settings.Iflag, settings.Oflag, settings.Lflag = 0, 0, 0
	settings.Cflag = syscall.CS8 | syscall.CREAD
	settings.Cc[syscall.VMIN], settings.Cc[syscall.VTIME] = hidReportSize, 0
	return ioctl(fd, syscall.TCSETS, unsafe.Pointer(&settings))
}

func ioctl(fd int, request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(argument)); errno != 0 {
		return os.NewSyscallError("ioctl", errno)
	}
	return nil
}
