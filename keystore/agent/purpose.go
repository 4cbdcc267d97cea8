package agent

import (
	"cmp"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/touchstone-app/touchstone/internal/wire/agentpb"
	"github.com/touchstone-app/touchstone/keystore"
)

// purposeOf is what the person is shown. The program is the one that the system says is at the other end; what it says
// of itself comes second, and is quoted, because it can say anything.
func purposeOf(who peer, r *agentpb.SignRequest) keystore.Purpose {
	info, said := r.GetKeyInfo(), saidBy(r.GetCommand())
	path := programOf(who.process)
	name := strings.TrimSuffix(filepath.Base(path), " (deleted)") // proc(5): its file was replaced since it started
	if path == "" {
		first, _, _ := strings.Cut(said, " ")
		name = cmp.Or(filepath.Base(cmp.Or(first, "another program")), "another program")
	}
	what := "Signature"
	if said != "" {
		what += " for \"" + said + "\""
	}
	if user := printable(info.GetUsername()); user != "" {
		what += " as " + user
	}
	return keystore.Purpose{
		Where: cmp.Or(printable(info.GetClusterName()), printable(info.GetProxyHost())), What: what, Program: printable(name),
	}
}

// saidBy is the words of a command line up to the first flag: after it may stand what nobody else should read, and the
// words are kept with the activity.
func saidBy(command string) string {
	var words []string
	for _, word := range strings.Fields(printable(command)) {
		if strings.HasPrefix(word, "-") {
			break
		}
		words = append(words, strings.ReplaceAll(word, `"`, "'"))
	}
	if len(words) > 0 {
		words[0] = filepath.Base(words[0])
	}
	return printable(strings.Join(words, " "))
}

// longestText is how many characters of a caller's text are shown.
const longestText = 80

// printable is a text that can be shown in one line.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > longestText {
		text = string(runes[:longestText-1]) + "…"
	}
	return strings.TrimSpace(text)
}
