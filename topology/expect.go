package topology

import (
	"net/netip"
	"time"

	"labctl/switchcore"
	"labctl/topology/problem"
)

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

// Target is what a row or a column of a table stands for.
type Target struct {
	Text      string     // as written
	Node      string     // full node name, "" for an entry of "names"
	Interface string     // "" unless written node:if
	Name      string     // entry of "names", else ""
	IP        netip.Addr // first address of the interface or node in file order, or that of the name; zero if it has none
	IP6       netip.Addr // the first IPv6 address likewise
}

// Step is one entry of "steps".
type Step struct {
	Name, Note string
	Pos        problem.Pos
	Reset      []string // nodes put back to what the file says
	Lab        *Lab     // the lab as it stands once reset and set are done: nodes only, no expectations
	Do         []Action
	Wait       *Expectation
	Timeout    time.Duration // of Wait; 10s unless given
	Cases      []*Case
	Expect     *Expectation
}

// Case is one column of a "cases" table: a set, taken back after its column.
type Case struct {
	Name string
	Lab  *Lab
	Pos  problem.Pos
}

// Action is one entry of "do". Exactly one of the pointers is set.
type Action struct {
	Pos     problem.Pos
	Flush   *Flush
	Run     *RunAction
	Stream  *Stream
	Send    *Send
	Stop    *Stop
	Restart []string // nodes that are torn down and built again

	ARPSpoof *ARPSpoof
}

// ARPSpoof is unsolicited ARP replies, as dsniff's arpspoof(8) sends them, until stopped: to Victim, that the address of Claims
// is at From's MAC; with Both also to Claims, that Victim's is.
type ARPSpoof struct {
	Name   string
	From   Target // a node with one interface, or node:if
	Victim Target
	Claims Target
	Both   bool
	Every  time.Duration // between two replies to the same victim
}

// Send is forged frames from a node's interface.
type Send struct {
	Name     string
	From     Target // a node with one interface, or node:if
	Src, Dst Station
	VLAN     int // 802.1Q tag; 0: none
	Type     uint16
	Payload  []byte // behind Type
	Echo     *Echo  // an ICMP echo request instead of Type and Payload
	ARP      *ARP   // likewise
	Count    int
	Every    time.Duration // between two; 0: one at once after the other
	Endless  bool          // Every without Count: until stopped, in the background
}

// Station is who a frame is from or for. The zero Station as a source is the interface's own address.
type Station struct {
	MAC       switchcore.MAC // literal, of a name, or ff:ff:ff:ff:ff:ff
	Node      string         // the address that this node's interface has at the moment
	Interface string         // "" is the node's only one
}

// Echo is an ICMP echo request.
type Echo struct{ From, To netip.Addr }

// ARP is an ARP packet (RFC 826). A zero Station is 00:00:00:00:00:00.
type ARP struct {
	Op                 uint16 // 1 request, 2 reply
	SenderMAC          Station
	TargetMAC          Station
	SenderIP, TargetIP netip.Addr
}

// Flush forgets tables of nodes, in file order.
type Flush struct{ Nodes []FlushNode }

// FlushNode says what one node forgets: neigh, routes (the redirected ones), fdb, conntrack.
type FlushNode struct {
	Node string
	What []string
}

// RunAction is a command in a node.
type RunAction struct {
	Node, Sh   string
	Exit       int
	Background bool
	Ready      Ready
	Name       string
}

// Stream is echo requests with one identifier until stopped.
type Stream struct {
	Name     string
	From, To Target
	Every    time.Duration
}

// Stop ends a background action by its name.
type Stop struct {
	Name   string
	Silent bool
}

// String is the station as a lab file would say it.
func (s Station) String() string {
	switch {
	case s.Node != "" && s.Interface != "":
		return s.Node + ":" + s.Interface
	case s.Node != "":
		return s.Node
	case s.MAC == switchcore.MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}:
		return "broadcast"
	}
	return s.MAC.String()
}
