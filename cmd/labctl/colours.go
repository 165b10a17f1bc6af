package main

import (
	"regexp"
	"strings"

	"labctl/cmd/labctl/terminal"
)

// What tables and answers look like on a terminal with colours.
var (
	// a cell that differs has a mark, and a comment below the table
	differsRules = []terminal.Rule{
		{Pattern: regexp.MustCompile(`^\s*#.*: (wanted .*)$`), Style: terminal.Bad},
		{Pattern: regexp.MustCompile(`(?:^|\s)([^\s#]\S*!)(?:\s|$)`), Style: terminal.Bad},
	}
	// the cells of a matrix, which nobody judges
	outcomeRules = []terminal.Rule{
		{Pattern: regexp.MustCompile(`\s(unknown)(?:\s|$)`), Style: terminal.Bad},
		{Pattern: regexp.MustCompile(`\s(no-\S+|silent|icmp:\S+|broadcast|failed)(?:\s|$)`), Style: terminal.Notice},
	}
	causeRule  = terminal.Whole(terminal.Notice)
	asideRule  = terminal.Whole(terminal.Aside)
	wantedRule = terminal.Rule{Pattern: regexp.MustCompile(`: (wanted .*)$`), Style: terminal.Bad}
	firstWord  = regexp.MustCompile(`^\S+`)
	failedRule = terminal.Rule{Pattern: regexp.MustCompile(`FAILED`), Style: terminal.Bad}
	badRule    = terminal.Whole(terminal.Bad)
	goodRule   = terminal.Whole(terminal.Good)
)

// outcomeRule is how the outcome of a single ping looks.
func outcomeRule(word string) terminal.Rule {
	style := terminal.Bad
	if strings.HasPrefix(word, "ok") {
		style = terminal.Good
	}
	return terminal.Rule{Pattern: regexp.MustCompile(`: (` + regexp.QuoteMeta(word) + `)(?: |:|$)`), Style: style}
}
