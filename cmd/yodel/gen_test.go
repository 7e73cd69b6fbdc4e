package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/testenv"
)

// tree is a tree of definitions: imports that go up, down and sideways, and two files of one package.
var tree = map[string]string{
	"api/a/b/common.yodel": "package acme.b\nstruct Money { 1: long cents = 5 }\nexception Refused { 1: Money price " +
		"}\n",
	"api/c/orders.yodel": "package c\nimport \"../a/b/common.yodel\"\nimport \"users.yodel\"\n" +
		"struct Order { 1: Money price, 2: User user }\nMoney get(1: Order order, 2: int limit = 7) => Refused, Lost\n",
	"api/c/users.yodel":     "package c\nstruct User { 1: string name = \"Ada\" }\nUser get(1: int limit = 9)\n",
	"api/c/d/extra.yodel":   "package d\nimport \"../orders.yodel\"\nstruct Extra { 1: Order order }\n",
	"api/e/user-list.yodel": "package e\nimport \"../c/d/extra.yodel\"\nservice List { Extra first(1: Extra extra) }\n",
}

// generateTree writes the tree, generates all of it into the folder gen of the returned directory, and returns that.
func generateTree(t *testing.T, c genCommand) string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for name, text := range tree {
		writeFile(t, filepath.Join(dir, name), text)
		paths = append(paths, filepath.Join(dir, name))
	}
	writeFile(t, filepath.Join(dir, "go.mod"), "module tree\n")
	c.output = filepath.Join(dir, "gen") + "/"
	var stderr strings.Builder
	if err := c.run(&stderr, paths); err != nil || stderr.Len() > 0 {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return dir
}

// A tree of definitions that is generated into another folder is a tree of Go packages that compile and serve.
func TestTreeInGo(t *testing.T) {
	t.Parallel()
	dir := generateTree(t, genCommand{})
	if err := os.Remove(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	newModule(t, dir, "tree")
	writeFile(t, filepath.Join(dir, "main.go"), `package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"

	"github.com/yodelrpc/yodel"

	"tree/gen/a/b"
	"tree/gen/c"
	"tree/gen/c/d"
	"tree/gen/e"
)

type server struct{}

func (server) Get(ctx context.Context, order c.Order, limit int32) (b.Money, error) {
	if order.User.Name != "Ada" {
		return b.Money{}, &b.Refused{Price: order.Price}
	}
	return b.Money{Cents: order.Price.Cents * int64(limit)}, nil
}

type users struct{}

func (users) Get(ctx context.Context, limit int32) (c.User, error) { return c.User{Name: fmt.Sprint(limit)}, nil }

type list struct{}

func (list) First(ctx context.Context, extra d.Extra) (d.Extra, error) { return extra, nil }

func main() {
	ctx := context.Background()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := yodel.NewServer(c.NewOrdersService(server{}), c.NewUsersService(users{}), e.NewListService(list{}))
	go s.Serve(ctx, ln)
	defer s.Close()
	ch, err := yodel.Dial(ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer ch.Close()
	fmt.Println(c.NewOrdersClient(ch).Get(ctx, c.NewOrder(), c.OrdersGetLimit(3)))
	_, err = c.NewOrdersClient(ch).Get(ctx, c.Order{})
	var refused *b.Refused
	fmt.Println(errors.As(err, &refused))
	fmt.Println(c.NewUsersClient(ch).Get(ctx))
	extra, err := e.NewListClient(ch).First(ctx, d.NewExtra())
	fmt.Println(extra.Order.User.Name, err)
}
`)
	got := runInModule(t, dir, "go mod edit -require github.com/yodelrpc/yodel@v0.0.0 && go run .")
	if want := "{15} <nil>\ntrue\n{9} <nil>\nAda <nil>\n"; got != want {
		t.Errorf("it prints\n%s, want\n%s", got, want)
	}
}

// The same tree in Python, with its folder on the path and as a package of a larger one.
func TestTreeInPython(t *testing.T) {
	t.Parallel()
	python := testenv.Need(t, "python3")
	dir := generateTree(t, genCommand{python: true})
	for at, prefix := range map[string]string{"gen": "", ".": "gen."} {
		writeFile(t, filepath.Join(dir, at, "program.py"), strings.ReplaceAll(treeInPython, "PREFIX.", prefix))
		got := runShell(t, filepath.Join(dir, at), python+" -W error program.py")
		if want := "15\nRefused\n9\nAda\n"; got != want {
			t.Errorf("in %s it prints\n%s, want\n%s", at, got, want)
		}
	}
}

const treeInPython = `import threading

from PREFIX.a.b import common
from PREFIX.c import orders, users
from PREFIX.c.d import extra
from PREFIX.e import user_list


class Orders:
    def get(self, order, limit):
        if order.user.name != "Ada":
            raise common.Refused(order.price)
        return common.Money(order.price.cents * limit)


class Users:
    def get(self, limit):
        return users.User(str(limit))


class List:
    def first(self, extra):
        return extra


services = orders.Service(Orders()), users.Service(Users()), user_list.ListService(List())
with orders.ThreadServer(("127.0.0.1", 0), *services) as server:
    threading.Thread(target=server.serve_forever).start()
    with orders.Channel("mux://%s:%d" % server.address[:2]) as channel:
        client = orders.Client(channel)
        print(client.get(orders.Order(), limit=3).cents)
        try:
            client.get(orders.Order(user=users.User("Bob")))
        except common.Refused as err:
            print(type(err).__name__)
        print(users.Client(channel).get().name)
        print(user_list.ListClient(channel).first(extra.Extra()).order.user.name)
`

// The same tree as .proto files: what one imports is there.
func TestTreeInProtobuf(t *testing.T) {
	t.Parallel()
	dir := generateTree(t, genCommand{proto: true})
	imported := regexp.MustCompile(`(?m)^import "(.*)";$`)
	var names []string
	found := 0
	for name := range tree {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "api/"), ".yodel") + ".proto"
		names = append(names, name)
		text, err := os.ReadFile(filepath.Join(dir, "gen", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range imported.FindAllStringSubmatch(string(text), -1) {
			found++
			if _, err := os.Stat(filepath.Join(dir, "gen", match[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if found != 4 {
		t.Errorf("the files have %d imports, want 4", found)
	}
	protoc := testenv.Need(t, "protoc")
	args := append([]string{"-I", filepath.Join(dir, "gen"), "-o", filepath.Join(dir, "out.binpb")}, names...)
	if out, err := exec.CommandContext(t.Context(), protoc, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
