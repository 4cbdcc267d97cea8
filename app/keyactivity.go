package app

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/touchstone-app/touchstone/keystore"
)

// activityFile keeps what the keys were asked to sign, by every Touchstone with this home folder.
func activityFile(home string) string { return filepath.Join(home, "activity.jsonl") }

// runKeyActivity prints who had what signed. It reads a file and needs no key.
func runKeyActivity(_ context.Context, env *environment, o *options, _ []string) error {
	home, err := homeFolder(o.home)
	if err != nil {
		return err
	}
	list, err := keystore.ReadActivity(activityFile(home))
	if err != nil {
		return err
	}
	if o.format == "json" {
		if list == nil {
			list = []keystore.Activity{}
		}
		return printJSON(env.stdout, list)
	}
	return printActivity(env.stdout, list)
}

func printActivity(w io.Writer, list []keystore.Activity) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "No key was asked to sign anything yet.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHEN\tPROGRAM\tWHERE\tWHAT\tKEY\tRESULT\tTOOK\tTOUCHES")
	for _, a := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", a.Time.Local().Format("2006-01-02 15:04:05"),
			orDash(a.Program), orDash(a.Where), orDash(a.What), a.Key(), resultLine(a), a.Duration.Round(10*time.Millisecond), a.Touches)
	}
	return table.Flush()
}

func resultLine(a keystore.Activity) string {
	if a.Reason == "" {
		return string(a.Result)
	}
	return fmt.Sprintf("%s: %s", a.Result, a.Reason)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
