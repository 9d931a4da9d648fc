package topology

import "slices"

// Degrees returns how many edges each of n nodes has.
func Degrees(n int, edges [][2]int) []int {
	d := make([]int, n)
	for _, e := range edges {
		d[e[0]]++
		d[e[1]]++
	}
	return d
}

// Connected reports whether each of n nodes can be reached from each.
func Connected(n int, edges [][2]int) bool {
	return n == 0 || slices.Min(hops(n, edges, 0)) >= 0
}

// Diameter returns how many edges lie between the two nodes furthest apart,
// or -1 if some node can not be reached from another. Its time grows with n
// times the number of edges.
func Diameter(n int, edges [][2]int) int {
	longest := 0
	for from := range n {
		for _, h := range hops(n, edges, from) {
			if h < 0 {
				return -1
			}
			longest = max(longest, h)
		}
	}
	return longest
}

// hops returns how many edges each node is away from one of them, -1 for nodes
// that can not be reached.
func hops(n int, edges [][2]int, from int) []int {
	next := make([][]int, n)
	for _, e := range edges {
		next[e[0]] = append(next[e[0]], e[1])
		next[e[1]] = append(next[e[1]], e[0])
	}
	away := make([]int, n)
	for i := range away {
		away[i] = -1
	}
	away[from] = 0
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, to := range next[at] {
			if away[to] < 0 {
				away[to] = away[at] + 1
				queue = append(queue, to)
			}
		}
	}
	return away
}
