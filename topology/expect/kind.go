package expect

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"labctl/topology/problem"
)

// Kind is one kind of tables, with all that is known of it but how its questions are asked, which is package reach's.
// Of most fields the zero value does: for a kind with Pairs, rows and columns are nodes, and the words are those that
// are listed.
type Kind struct {
	Name    string // the key under "expect", and what questions of the kind begin with
	Doc     string // for editors
	Short   bool   // a table may be written as one word, for all pairs
	Reads   bool   // nothing is sent or forgotten for it, so a wait may have it
	Pairs   bool   // rows and columns are nodes, so a node can meet itself
	Ports   bool   // behind the node of a column is a port: web:80
	Echo    bool   // it asks by echo requests: its words are outcomes of pings
	Carried bool   // its answers come of frames that the lab carries, so a storm spoils them
	OfStep  bool   // its rows are questions of other kinds, its columns the cases of a step
	Options []Option

	most int                    // pairs that a table may ask; 0: as many as all tables together
	cost func(pairs int) string // why no more

	// what is wrong with options beside each other, by their values; nil: nothing can be
	together func(values func(option string) []string) (option, wrong string)

	family      family        // of the addresses by which it asks, of nodes that "*" means
	otherFamily string        // what to do about a target that has only addresses of the other family
	last        bool          // messages list it behind the others
	alone       time.Duration // what a question takes at least that is asked alone; 0: many are asked at once

	questionSyntax
	axisRules
	cellWords
}

// questionSyntax is how a question of a kind is written. Without text and parse it is A->B.
type questionSyntax struct {
	form  string // behind the kind and a colon, for messages
	text  func(q Question) string
	parse func(text string) (Question, bool)                      // the inverse of text
	asked func(f *finder, line int, w tableWord, q Question) bool // what of it is not in the lab, said at its word
	label func(c *Cell) string                                    // in words; "row -> column" if nil
}

// axisRules are what rows and columns of a kind are, if they are not pairs.
type axisRules struct {
	corner     string // the first word of a header
	rowIs      string // what rows are, where "*" is not one
	starColumn bool   // "*" may be a column
	row        func(f *finder, line int, w tableWord) bool
	column     func(f *finder, line int, w tableWord) bool
	columns    []string                          // instead of column: the only ones
	cell       func(row, column string) Question // all but its kind; A and B if nil
	// whether the question is about a node and itself, which "*" leaves out
	itself    func(q Question) bool
	narrowing *narrowing
	nothing   func(k *Kind, v4, v6 int) string // why "*" asks nothing in a lab with so many nodes that have addresses
}

// narrowing says that of a row's words only those of one column are answers, and that the others narrow the question.
type narrowing struct {
	answers string   // the column
	needs   []string // columns that have to be there
	narrow  func(f *finder, q *Question, column, text string)
	word    func(g *vocabulary, column, text string) string // what is wrong with a word that narrows
}

// cellWords are what may be in a cell of a kind, and what it means.
type cellWords struct {
	words []string    // without those that are names or numbers; also what a misspelt word is compared with
	means [][2]string // in the order of the legend
	// what words mean in a table with these options, as a [Question] has them, instead
	meansWith map[string]map[string]string

	noun     string // what a word is called in messages
	want     string // the words, for messages
	counts   bool   // numbers are words too, and explain themselves
	whole    bool   // several answers joined with "+" are explained as one
	ofRow    bool   // the words hang on the row: they are not judged when that is wrong
	ofColumn bool   // the words hang on the column

	// word says what is wrong with one that is not listed, or "". If nil, there are no others.
	word func(g *vocabulary, k *Kind, q Question, word string) string
	// judgesAll tells whether word judges the listed ones too.
	judgesAll func(q Question) bool
	// begins tells whether one that is not listed begins so.
	begins func(g *vocabulary, q Question, prefix string) bool
	// explain explains one that is not listed. If nil, such words explain themselves.
	explain func(k *Kind, word string) string
	// sample is for [Words], instead of the listed ones.
	sample func(q Question) []string
}

// IPv6 reports whether the kind asks by IPv6 only.
func (k *Kind) IPv6() bool { return k.family == byIPv6 }

// Numbers are the lowest and the highest number that may be a short form; both 0 if none may.
func (k *Kind) Numbers() (low, high int) {
	if !k.Short || !k.counts {
		return 0, 0
	}
	return shortestPacket, longestPacket
}

// known tells a kind from what [KindOf] makes of any other name.
func (k *Kind) known() bool { return k.head() != "" }

// head is the first word of a header.
func (k *Kind) head() string {
	if k.Pairs {
		return `from\to`
	}
	return k.corner
}

// isWord reports whether a word is one of the kind's own.
func (k *Kind) isWord(word string) bool { return slices.Contains(k.words, word) }

// dashMeansItself reports whether "-" says that a node and itself are not asked, and is not an answer.
func (k *Kind) dashMeansItself() bool { return k.Pairs && !k.isWord("-") }

// notAWord says that a word is not one of the kind, and which there are.
func (k *Kind) notAWord(g *vocabulary, word string, candidates []string) string {
	noun := k.nounOf()
	article := "a "
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		article = "an "
	}
	msg := problem.Quoted(word) + " is not " + article + noun
	if near := g.near(word, candidates); near != "" {
		return msg + near
	}
	return msg + "; want " + cmp.Or(k.want, "yes or no")
}

func (k *Kind) nounOf() string { return cmp.Or(k.noun, "answer") }

// What several kinds say of their words; the sentences of pings are those of iputils.
const (
	repliedMeans = "a reply came back"
	dupMeans     = `with "ok": a reply came twice or more (DUP!)`
	otherMeans   = `with "ok": a reply came from another address than was asked (DIFFERENT ADDRESS!); ` +
		`TCP would not take it`
	noRouteMeans = `the sender's own kernel knows no way (connect: Network is unreachable), ` +
		`or a blackhole route of its own (connect: Invalid argument)`
	tooBigMeans = `the sender's own kernel does not send a packet of this length ` +
		`(local error: message too long)`
	silentMeans    = `no answer was received (100% packet loss)`
	refusedMeans   = "does not get through, for whatever reason"
	notAskedMeans  = "could not be asked; never what was wanted"
	notReadMeans   = "could not be read; never what was wanted"
	manyMeans      = "2, >=2" // what stands for numbers in a legend
	noTwoNodesHave = "nothing to ask: no two nodes have an "
)
