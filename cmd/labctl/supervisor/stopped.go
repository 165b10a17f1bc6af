//go:build linux

package supervisor

import (
	"slices"
	"strings"

	"labctl/topology/expect"
	"labctl/topology/reach"
)

// NotInvestigated ends what is said of a ping of whose cause nothing was looked for, see [reach.NotInvestigated].
const NotInvestigated = reach.NotInvestigated

// becauses begin what is said of rules and switches, or that nobody has looked, in the details of pings that did not get through.
var becauses = []string{"dropped: ", "refused by ", "perhaps refused by ", reach.NotInvestigated}

// stoppedBy is what stopped a ping that did not get through, "" if nobody knows or it could not be asked.
func stoppedBy(r *reach.Result) string {
	if r.Why != "" || r.Got == reach.Unknown || !expect.KindOf(r.Question.Kind).Echo {
		return r.Why
	}
	var out []string
	for part := range strings.SplitSeq(r.Detail, "; ") {
		if slices.ContainsFunc(becauses, func(b string) bool { return strings.HasPrefix(part, b) }) {
			out = append(out, part)
		}
	}
	return strings.Join(out, "; ")
}
