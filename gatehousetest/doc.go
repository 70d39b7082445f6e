// Package gatehousetest is for the tests of programs that embed Gatehouse: a
// ready [Gatehouse] on a database of its own, clients that are signed in with
// the roles a test wants, and a clock that moves by hand.
//
// A whole test:
//
//	func TestAdminPage(t *testing.T) {
//		gt := gatehousetest.New(t)
//		gt.Serve(newApp(gt.Gatehouse)) // what the program serves, gt.Handler() with it
//		for want, who := range map[int]*gatehousetest.Client{401: gt.Anonymous(), 403: gt.Client("user"), 200: gt.Client("admin")} {
//			res, err := who.Get(gt.URL + "/admin")
//			if err != nil || res.StatusCode != want {
//				t.Errorf("%v, %v; want %d", res, err, want)
//			}
//		}
//	}
//
// Everything is real: users are rows, sign-in is the program's own, a revoked
// session is refused for the reason for which it is in production. What is not
// like production is stated at [New]. It uses nothing but the public API, and
// is imported by tests alone. Start with [New].
package gatehousetest
