package virtual

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// controlCommand carries out one command of the control socket.
type controlCommand struct {
	usage string
	run   func(k *Key, args []string) error
	min   int // of args
	max   int
}

// controlCommands are all of them, as control.go explains.
var controlCommands = map[string]controlCommand{
	"status":  plainCommand("status", func(*Key) {}),
	"touch":   plainCommand("touch", (*Key).Touch),
	"plug":    plainCommand("plug", (*Key).Plug),
	"unplug":  plainCommand("unplug", (*Key).Unplug),
	"release": plainCommand("release", (*Key).Release),
	"reset":   plainCommand("reset", (*Key).ResetCard),
	"mode": {"mode auto|wait|ignore", func(k *Key, args []string) error {
		return k.SetTouch(TouchMode(args[0]))
	}, 1, 1},
	"fail":   {"fail INS RV [COUNT], for example fail a4 80100016 10", failCommand, 2, 3},
	"answer": {"answer INS SW [COUNT], for example answer 87 6f00", answerCommand, 2, 3},
	"stall":  {"stall INS [COUNT], for example stall 87", stallCommand, 1, 2},
	"delay":  {"delay INS MS, for example delay 87 2000", delayCommand, 2, 2},
	"refuse": {"refuse MS, for example refuse 3000", refuseCommand, 1, 1},
	"card": {"card out|in", choice(map[string]func(*Key) error{
		"out": without((*Key).RemoveCard), "in": without((*Key).InsertCard),
	}), 1, 1},
	"occupy": {"occupy exclusive|transaction", func(k *Key, args []string) error {
		return k.Occupy(Occupation(args[0]))
	}, 1, 1},
	"service": {"service stop|start", choice(map[string]func(*Key) error{
		"stop": without((*Key).StopService), "start": (*Key).StartService,
	}), 1, 1},
}

func plainCommand(usage string, run func(*Key)) controlCommand {
	return controlCommand{usage: usage, run: func(k *Key, _ []string) error { run(k); return nil }}
}

func without(run func(*Key)) func(*Key) error {
	return func(k *Key) error { run(k); return nil }
}

// choice is a command whose one argument chooses what to do.
func choice(of map[string]func(*Key) error) func(*Key, []string) error {
	return func(k *Key, args []string) error {
		run, ok := of[args[0]]
		if !ok {
			return fmt.Errorf("%q is none of %s", args[0], strings.Join(slices.Sorted(maps.Keys(of)), ", "))
		}
		return run(k)
	}
}

// obey carries out one command of the control socket.
func (k *Key) obey(line string) error {
	words := strings.Fields(line)
	names := strings.Join(slices.Sorted(maps.Keys(controlCommands)), ", ")
	if len(words) == 0 {
		return fmt.Errorf("the command is empty: use one of %s", names)
	}
	command, ok := controlCommands[words[0]]
	if !ok {
		return fmt.Errorf("%q is not a command: use one of %s", words[0], names)
	}
	args := words[1:]
	if len(args) < command.min || len(args) > command.max {
		return fmt.Errorf("usage: %s", command.usage)
	}
	return command.run(k, args)
}

func failCommand(k *Key, args []string) error {
	rv, err := hexNumber("PC/SC code", args[1], 32)
	return k.injectParsed(args[0], args[2:], transmitFault{rv: result(rv)}, err)
}

func answerCommand(k *Key, args []string) error {
	word, err := hexNumber("status word", args[1], 16)
	return k.injectParsed(args[0], args[2:], transmitFault{word: sw(word)}, err)
}

func stallCommand(k *Key, args []string) error {
	return k.injectParsed(args[0], args[1:], transmitFault{stall: true}, nil)
}

// injectParsed injects a fault for an instruction, COUNT times where there is one.
func (k *Key) injectParsed(ins string, count []string, f transmitFault, err error) error {
	if err != nil {
		return err
	}
	code, err := hexNumber("instruction", ins, 8)
	if err != nil {
		return err
	}
	f.ins, f.count = byte(code), 1
	if len(count) > 0 {
		if f.count, err = strconv.Atoi(count[0]); err != nil || f.count < 1 {
			return fmt.Errorf("%q is not a count: use 1 or more", count[0])
		}
	}
	if f == (transmitFault{ins: f.ins, count: f.count}) {
		return errors.New("the code 0 is no failure")
	}
	k.port.inject(f)
	return nil
}

func delayCommand(k *Key, args []string) error {
	ins, err := hexNumber("instruction", args[0], 8)
	if err != nil {
		return err
	}
	by, err := milliseconds(args[1])
	if err == nil {
		k.Delay(byte(ins), by)
	}
	return err
}

func refuseCommand(k *Key, args []string) error {
	d, err := milliseconds(args[0])
	if err == nil {
		k.RefuseFor(d)
	}
	return err
}

func hexNumber(what, text string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(text, 16, bits)
	if err != nil {
		return 0, fmt.Errorf("reading the %s %q: %w", what, text, errors.Unwrap(err))
	}
	return n, nil
}

func milliseconds(text string) (time.Duration, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("reading the milliseconds %q: %w", text, errors.Unwrap(err))
	}
	return time.Duration(n) * time.Millisecond, nil
}
