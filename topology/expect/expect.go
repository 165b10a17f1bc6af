// Package expect decides: it holds what may be expected of a [topology.Lab], in tables. It knows the kinds of tables,
// what their rows, columns and words mean, the questions that cells ask, and how a table is printed and written back
// into its file. It asks nobody.
package expect

import "labctl/topology/problem"

// Expectation is one "expect" or "wait": tables to be judged, in the order in which they are judged: what is probed
// first (ping ping6 answers sees streams), then what is only read (arp route fdb ...), each in file order.
type Expectation struct {
	Pos    problem.Pos
	Kept   bool // neighbours: kept
	Tables []*Table
}

// Table is one printed table of cells of one kind. A blank line in the file begins another Table, or another block of
// columns of the same one.
type Table struct {
	Kind    string      // the name of a [Kind]
	With    string      // what it says of all its questions, as they have it
	Pos     problem.Pos // the first header cell; for the short form ("ping: ok") the scalar
	Corner  string      // the header's first word, "from\to"
	Rows    []string    // as written, with '*'
	Columns []string    // as written, with '*'
	Short   bool        // written as "ping: ok"
	Cells   []*Cell     // row by row, '*' expanded, without the diagonal; '.' cells are there, not Judged

	shownRows, shownColumns []string     // with '*' expanded
	fromRow, fromColumn     []int        // indexes into Rows and Columns of what they were expanded from
	blocks                  []tableBlock // where it is in the file; none for the short form
	narrowing               [][]cellWord // where some narrow their row: the words of every row, cells or not
}

// Cell is one question with the answer that the file wants.
type Cell struct {
	Row, Column string // as shown: full node name, node:if, name, A->B
	Question    Question
	Want        Want
	Pos         problem.Pos // of the cell's word in the file; expanded cells share it
	Width       int         // bytes of the word
	Judged      bool        // false for '.': nothing is probed for it, except to update the file
	Case        int         // kind cases: index into Step.Cases of the column; else -1
}

// DropMatch narrows a drops question to frames of one sort; an empty field means any.
type DropMatch struct {
	Reason   string `json:",omitempty"`
	Function string `json:",omitempty"`
	Length   string `json:",omitempty"`
	Src      string `json:",omitempty"`
	Dst      string `json:",omitempty"`
}

// Question names what a cell asks, independent of any table; its text form is the cell's name in JSON, JUnit and
// --only.
type Question struct {
	Kind string // the name of a [Kind]
	// its options, "df,size=1472", sorted, as [Title] has them; read with [Question.Option]
	With string `json:",omitempty"`
	// A and B are from and to; fdb: whose MAC and on which switch. Of other kinds there is only A; port, drops:
	// switch:port, node:if or switch; streams: the name; hits: node/set/rule.
	A    string
	B    string    `json:",omitempty"`
	At   string    `json:",omitempty"` // sees: who listens; port: the column
	Drop DropMatch `json:",omitzero"`  // drops: which frames are counted; all zero: which reasons were seen
}

// cellWord is a judged word of a table.
type cellWord struct {
	want  Want
	pos   problem.Pos
	width int
}
