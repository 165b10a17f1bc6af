package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"labctl/cmd/labctl/wire"
)

// negligible is what "verify --timing" leaves out on a terminal, in seconds.
const negligible = 0.005

// printTiming prints where the time of a verification went: its parts in their order, under the step that they belong
// to, with why silence was waited for.
func printTiming(w io.Writer, spans []wire.Span) {
	fmt.Fprintln(w, "\nseconds  went into")
	step := ""
	for _, s := range spans {
		if s.Seconds < negligible && len(s.Waits) == 0 {
			continue
		}
		if s.Step != step {
			if step = s.Step; step != "" {
				fmt.Fprintf(w, "         step %s:\n", step)
			} else {
				fmt.Fprintln(w, "         after the steps:")
			}
		}
		fmt.Fprintf(w, "%7.2f  %s\n", s.Seconds, s.Part)
		for _, why := range s.Waits {
			fmt.Fprintf(w, "           waited for silence, which is not proven: %s\n", why)
		}
	}
}

// timingProperties are the same for JUnit: a property for each part.
func timingProperties(spans []wire.Span) *[]junit.Property {
	var out []junit.Property
	for _, s := range spans {
		name := s.Part
		if s.Step != "" {
			name += " (" + s.Step + ")"
		}
		out = append(out, junit.Property{Name: "seconds: " + name, Value: fmt.Sprintf("%.3f", s.Seconds)})
		if len(s.Waits) > 0 {
			out = append(out, junit.Property{Name: "waited: " + name, Value: strings.Join(s.Waits, "; ")})
		}
	}
	return &out
}
