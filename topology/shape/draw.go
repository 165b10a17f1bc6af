package shape

import (
	"strings"
	"unicode/utf8"
)

// dots stand for what a drawing has no room for.
const dots = "…"

// few are the places of a list that a drawing shows: all, or, if there are more than room, the first two, -1 for dots,
// and the last.
func few(n, room int) []int {
	var out []int
	for i := range n {
		if n <= room || i < 2 || i == n-1 {
			out = append(out, i)
		} else if i == 2 {
			out = append(out, -1)
		}
	}
	return out
}

func columnsOf(s string) int { return utf8.RuneCountInString(s) }

// pad fills s with blanks up to a width.
func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-columnsOf(s))) }

// drawLine is s with a line behind it, up to a width.
func drawLine(s string, width int) string {
	return s + " " + strings.Repeat("─", max(0, width-1-columnsOf(s)))
}

// beside writes the subnet beside a line.
func (s *Shape) beside(lines []string, at int) []string {
	lines[at] += strings.Repeat(" ", 12) + s.network().String()
	return lines
}

// drawSingle has the hosts on the left and the bridge on the right.
func drawSingle(s *Shape) []string {
	last := len(s.hosts) - 1
	name, addr := len(s.hosts[last]), len(s.short(last)) // the longest are the last ones
	rows := few(len(s.hosts), 8)
	blank := strings.Repeat(" ", name+addr+4)
	bridge := "── " + s.bridges[0]
	var out []string
	for at, i := range rows {
		if i < 0 {
			out = append(out, pad(dots, name+addr+4)+"├"+bridge)
			continue
		}
		joint := "┤"
		switch {
		case at == 0:
			joint = "┐"
		case i == last:
			joint = "┘"
		case at == len(rows)/2 && len(rows) == len(s.hosts):
			joint = "┼" + bridge
		}
		out = append(out, pad(s.hosts[i], name)+" "+pad(s.short(i), addr)+" ──"+joint)
		if len(rows) == 2 && at == 0 {
			out = append(out, blank+"├"+bridge)
		}
	}
	return s.beside(out, len(out)-1)
}

// drawRow has the bridges from left to right, and their hosts below.
func drawRow(s *Shape) []string {
	each := len(s.hosts) / len(s.bridges)
	shown := few(each, 6)
	lines := make([]string, 1+len(shown))
	for _, i := range few(len(s.bridges), 6) {
		if i < 0 {
			for k := range lines {
				lines[k] += pad("", columnsOf(dots)+3)
			}
			lines[0] = strings.TrimSuffix(lines[0], pad("", columnsOf(dots)+3)) + dots + " ─ "
			continue
		}
		below, width := s.hostsOf(i, each, shown)
		for k, text := range below {
			lines[1+k] += pad(text, width+3)
		}
		if i == len(s.bridges)-1 {
			lines[0] += s.bridges[i]
		} else {
			lines[0] += drawLine(s.bridges[i], width+2) + " "
		}
	}
	return s.beside(lines, 0)
}

// hostsOf are the hosts below a bridge of a row, and how wide that column is.
func (s *Shape) hostsOf(bridge, each int, shown []int) (below []string, width int) {
	width = len(s.bridges[bridge])
	for _, k := range shown {
		text := "├─ " + dots
		if k >= 0 {
			host := bridge*each + k
			text = "├─ " + s.hosts[host] + " " + s.short(host)
		}
		if k == each-1 {
			text = strings.Replace(text, "├", "└", 1)
		}
		below, width = append(below, text), max(width, columnsOf(text))
	}
	return below, width
}

// drawRing is a row with a cable from its end to its beginning.
func drawRing(s *Shape) []string {
	lines := drawRow(s)
	before := lines[0][:strings.LastIndex(lines[0], s.bridges[len(s.bridges)-1])]
	return append([]string{"┌" + strings.Repeat("─", columnsOf(before)-1) + "┐"}, lines...)
}

// drawTorus has the bridges alone, with cables that leave on all sides.
func drawTorus(s *Shape) []string {
	width := len(s.bridges[len(s.bridges)-1])
	across := few(s.numbers[1], 6)
	down := ""
	for _, j := range across {
		if j < 0 {
			down += pad("", 5)
		} else {
			down += pad("    │", width+4)
		}
	}
	var out []string
	for _, i := range few(s.numbers[0], 6) {
		if i < 0 {
			out = append(out, down, strings.ReplaceAll(down, "│", dots))
			continue
		}
		line := ""
		for _, j := range across {
			if j < 0 {
				line += "── " + dots + " "
			} else {
				line += "── " + pad(s.bridges[i*s.numbers[1]+j]+" ", width+1)
			}
		}
		out = append(out, down, line+"──")
	}
	return s.beside(append(out, down), 1)
}

// maxLeaves is how many hosts a tree has whose drawing shows all of it.
const maxLeaves = 16

// drawTree has the root on the left and the hosts on the right. Of a tree that is too large it shows the first child of
// each bridge, and the name of the last.
func drawTree(s *Shape) []string {
	d := &treeDrawing{Shape: s, fanout: s.numbers[1], whole: len(s.hosts) <= maxLeaves}
	lines := d.below(s.numbers[0])
	return s.beside(lines, len(lines)-1)
}

// treeDrawing draws a tree from its root on; bridge and host are the next ones in the order of their numbers.
type treeDrawing struct {
	*Shape
	fanout       int
	whole        bool
	bridge, host int
}

// below draws the next bridge with all that is below it, or, at depth 0, the next host.
func (d *treeDrawing) below(depth int) []string {
	if depth == 0 {
		d.host++
		return []string{d.hosts[d.host-1] + " " + d.short(d.host-1)}
	}
	head := d.bridges[d.bridge] + " ─"
	d.bridge++
	var out []string
	for i := range d.fanout {
		last := i == d.fanout-1
		switch {
		case d.whole || i == 0 || last && depth == 1:
			out = append(out, branch(head, d.below(depth-1), i == 0, last)...)
			continue
		case last:
			out = append(out, branch(head, []string{d.bridges[d.bridge] + " " + dots}, false, true)...)
		case i == 1:
			out = append(out, branch(head, []string{dots}, false, false)...)
		}
		bridges, hosts := countTree([]int{depth - 1, d.fanout})
		d.bridge, d.host = d.bridge+bridges, d.host+hosts
	}
	return out
}

// branch hangs the lines of a child on its bridge, whose name is in front of the first child.
func branch(head string, lines []string, first, last bool) []string {
	blank := strings.Repeat(" ", columnsOf(head))
	var out []string
	for k, line := range lines {
		front, joint := blank, "│  "
		switch {
		case k == 0 && first && last:
			front, joint = head, "── "
		case k == 0 && first:
			front, joint = head, "┬─ "
		case k == 0 && last:
			joint = "└─ "
		case k == 0:
			joint = "├─ "
		case last:
			joint = "   "
		}
		out = append(out, front+joint+line)
	}
	return out
}
