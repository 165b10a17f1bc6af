// Package expect decides: it holds what may be expected of a [topology.Lab], in tables. It knows the kinds of tables, what their rows,
// columns and words mean, the questions that cells ask, and how a table is printed and written back into its file. It asks nobody.
package expect

import "labctl/topology/problem"

// Expectation is one "expect" or "wait": tables to be judged, in the order in which they are judged: what is probed first
// (ping ping6 answers sees streams), then what is only read (arp route fdb ...), each in file order.
type Expectation struct {
	Pos    problem.Pos
	Kept   bool // neighbours: kept
	Tables []*Table
}

// Table is one printed table of cells of one kind. A blank line in the file begins another Table.
type Table struct {
	Kind    string      // ping ping6 answers sees streams arp route fdb port drops hits cases
	Pos     problem.Pos // the first header cell; for the short form ("ping: ok") the scalar
	Corner  string      // the header's first word, "from\to"
	Rows    []string    // as written, with '*'
	Columns []string    // likewise
	Short   bool        // written as "ping: ok"
	Cells   []*Cell     // row by row, '*' rows and columns expanded, without the diagonal; '.' cells are there, not Judged

	shownRows, shownColumns []string     // with '*' expanded
	lines                   []tableLine  // where it stands in the file; none for the short form
	narrowing               [][]cellWord // kind drops: the words of every row, of which only those of "frames" are cells
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
type DropMatch struct{ Reason, Function, Length, Src, Dst string }

// Question names what a cell asks, independent of any table; its text form is the cell's name in JSON, JUnit and --only.
type Question struct {
	Kind string    // ping ping6 answers sees streams arp route fdb port drops hits
	A, B string    // from and to; for fdb whose MAC and on which switch; port, drops: A is switch:port, node:if or switch; streams: A is the name; hits: A is node/set/rule
	At   string    // sees: who listens; port: the column
	Drop DropMatch // drops: which frames are counted; all zero: which reasons were seen
}

// cellWord is a judged word of a table.
type cellWord struct {
	want  Want
	pos   problem.Pos
	width int
}
