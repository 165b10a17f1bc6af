package wire

import (
	"slices"

	"labctl/topology/cause"
	"labctl/topology/expect"
)

// AskParams are questions outside any file.
type AskParams struct {
	Questions []expect.Question `json:"questions"`
	Kept      bool              `json:"kept"`
}

// Answer is one answered question.
type Answer struct {
	From    string        `json:"from"`
	To      string        `json:"to"`
	Addr    string        `json:"addr,omitempty"` // of a ping: the address that was asked
	At      string        `json:"at,omitempty"`   // who listens, of sees
	Outcome string        `json:"outcome"`
	Detail  string        `json:"detail"`
	Why     string        `json:"why,omitempty"` // see Verdict
	Causes  []cause.Cause `json:"causes,omitempty"`
	RTT     int64         `json:"rtt_us"`
}

// VerifyParams: All also measures cells that are not judged; Steps walks through the file's steps, which changes the
// lab.
type VerifyParams struct {
	All   bool `json:"all"`
	Steps bool `json:"steps"`
}

// Verdict is one cell, judged. The cells of an expectation come in the file's order. Causes are what stopped a ping
// that did not get through, where that was found out, or what made an answer doubtful; Why is the same in words, which
// Detail has too.
type Verdict struct {
	Question string `json:"question"`
	Case     string `json:"case,omitempty"`
	Judged   bool   `json:"judged"`
	OK       bool   `json:"ok"`
	Want     string `json:"want"`
	Got      string `json:"got"`
	Detail   string `json:"detail,omitempty"`
	// Undecided is why the model cannot say, run, background, rules, timing or not-modelled; "" where a kernel was
	// asked.
	Undecided string        `json:"undecided,omitempty"`
	Why       string        `json:"why,omitempty"`
	Causes    []cause.Cause `json:"causes,omitempty"`
	RTT       int64         `json:"rtt_us"`
	Line      int           `json:"line"`
	Col       int           `json:"col"`
}

// TableVerdicts is one table, cell by cell in the order of Table.Cells.
type TableVerdicts struct {
	Kind  string    `json:"kind"`
	With  string    `json:"with,omitempty"` // its options, as in its questions' names
	Line  int       `json:"line"`
	Cells []Verdict `json:"cells"`
}

// StepVerdicts is the first expectation (Step is "") or a step. Failed says why a step came to no end.
type StepVerdicts struct {
	Step   string          `json:"step,omitempty"`
	Failed string          `json:"failed,omitempty"`
	Wait   []TableVerdicts `json:"wait,omitempty"` // only when it was not met
	Tables []TableVerdicts `json:"tables"`
}

// Outcome is done, differs or failed.
func (s *StepVerdicts) Outcome() string {
	if s.Failed != "" {
		return StepFailed
	}
	for _, t := range s.Tables {
		if slices.ContainsFunc(t.Cells, func(v Verdict) bool { return !v.OK }) {
			return stepDiffers
		}
	}
	return StepDone
}

// How a step that was walked through ended.
const (
	StepDone    = "done"
	stepDiffers = "differs" // something is not as it expects
	StepFailed  = "failed"  // an action could not be done, or what it waits for did not come
)

// Verification is what "verify" found. Died are the commands in the background that had ended badly by its end, however
// long before.
type Verification struct {
	Steps  []StepVerdicts `json:"steps"`
	Died   []Died         `json:"died,omitempty"`
	Timing []Span         `json:"timing,omitempty"`
}

// Span is how long a part of a verification took, in seconds. Step is "" for what belongs to no step. Waits says, where
// silence was waited for to the end, why it could not be proven earlier.
type Span struct {
	Step    string   `json:"step,omitempty"`
	Part    string   `json:"part"`
	Seconds float64  `json:"seconds"`
	Waits   []string `json:"waits,omitempty"`
}

// StepParams: Count steps are walked through, all that are left if it is 0, up to one that is not as it should be.
// Continue goes on behind one that failed.
type StepParams struct {
	Count    int  `json:"count"`
	Continue bool `json:"continue,omitempty"`
}

// Walked is what the steps found, and how many there are. Error is why the step behind them could not be judged.
type Walked struct {
	Steps []StepVerdicts `json:"steps"`
	Done  int            `json:"done"`
	Total int            `json:"total"`
	Ended []string       `json:"ended,omitempty"` // actions of earlier steps that a killed supervisor took with it
	Died  []Died         `json:"died,omitempty"`  // commands in the background, by now
	Error *Failure       `json:"error,omitempty"`
}
