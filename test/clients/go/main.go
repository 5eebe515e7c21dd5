// Command driver calls a mock as Go programs do, with the clients that are generated from the schema. A test speaks
// with it by ../driver.ts. A watch is known by the id of the command that began it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	gitpodv1 "gitpod-runner-mock.test/driver/gen/gitpod/v1"
)

// How long a call may take. It reaches the mock as the call's deadline.
const patience = 20 * time.Second

// Clients are those of one library, made for one mock.
type clients struct {
	// By the service's name, with a method for each RPC.
	services map[string]any
	// Adds to the context of a call that it bears a token.
	bear  func(ctx context.Context, bearer string) context.Context
	watch func(ctx context.Context, request *gitpodv1.WatchEventsRequest) (stream, error)
	// What an error says: its code as Connect calls it, and its text.
	explain func(err error) (code, message string)
}

// Stream is what is left to do with a watch: to receive the next message of it.
type stream func() (*gitpodv1.WatchEventsResponse, error)

type command struct {
	ID      int             `json:"id"`
	Do      string          `json:"do"`
	RPC     string          `json:"rpc"`
	Bearer  string          `json:"bearer"`
	Request json.RawMessage `json:"request"`
	Watch   int             `json:"watch"`
	Count   int             `json:"count"`
}

type line struct {
	ID     int    `json:"id"`
	Answer answer `json:"answer"`
}

type answer struct {
	Reply  json.RawMessage   `json:"reply,omitempty"`
	Error  *failure          `json:"error,omitempty"`
	Events []json.RawMessage `json:"events,omitempty"`
	Watch  int               `json:"watch,omitempty"`
}

type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type watch struct {
	stream stream
	leave  context.CancelFunc
}

type driver struct {
	clients
	out     *json.Encoder
	outLock sync.Mutex
	watches sync.Map // of a watch command's id to its watch
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("driver: ")
	url := flag.String("url", "", "the mock's base `URL`, without /api")
	setting := flag.String("setting", "connect", "the library and how it is set up")
	flag.Parse()

	var made clients
	var err error
	if *setting == "grpc-go" {
		made, err = grpcClients(*url)
	} else {
		made, err = connectClients(*url, *setting)
	}
	if err != nil {
		log.Fatal(err)
	}

	d := &driver{clients: made, out: json.NewEncoder(os.Stdout)}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			log.Fatal(err)
		}
		go d.obey(c)
	}
}

func (d *driver) obey(c command) {
	var a answer
	var err error
	switch c.Do {
	case "call":
		a.Reply, err = d.call(c)
	case "watch":
		a.Watch, err = c.ID, d.startWatch(c)
	case "next":
		a.Events, err = d.next(c)
	case "leave":
		d.found(c.Watch).leave()
	default:
		log.Fatalf("what is %q?", c.Do)
	}
	if err != nil {
		code, message := d.explain(err)
		a.Error = &failure{code, message}
	}
	d.outLock.Lock()
	defer d.outLock.Unlock()
	if err := d.out.Encode(line{c.ID, a}); err != nil {
		log.Fatal(err)
	}
}

func (d *driver) call(c command) (json.RawMessage, error) {
	service, name, _ := strings.Cut(c.RPC, "/")
	method := reflect.ValueOf(d.services[service]).MethodByName(name)
	request := reflect.New(method.Type().In(1).Elem())
	read(c.Request, request.Interface().(proto.Message))
	ctx, cancel := context.WithTimeout(d.bear(context.Background(), c.Bearer), patience)
	defer cancel()
	results := method.Call([]reflect.Value{reflect.ValueOf(ctx), request})
	if err, failed := results[1].Interface().(error); failed {
		return nil, err
	}
	return written(results[0].Interface().(proto.Message)), nil
}

func (d *driver) startWatch(c command) error {
	request := &gitpodv1.WatchEventsRequest{}
	read(c.Request, request)
	ctx, leave := context.WithCancel(d.bear(context.Background(), c.Bearer))
	stream, err := d.watch(ctx, request)
	if err != nil {
		leave()
		return err
	}
	d.watches.Store(c.ID, watch{stream, leave})
	return nil
}

func (d *driver) found(id int) watch {
	found, ok := d.watches.Load(id)
	if !ok {
		log.Fatalf("there is no watch %d", id)
	}
	return found.(watch)
}

func (d *driver) next(c command) ([]json.RawMessage, error) {
	var events []json.RawMessage
	for len(events) < c.Count {
		event, err := d.found(c.Watch).stream()
		if err != nil {
			return nil, fmt.Errorf("after %d events: %w", len(events), err)
		}
		events = append(events, written(event))
	}
	return events, nil
}

func read(text json.RawMessage, message proto.Message) {
	if err := protojson.Unmarshal(text, message); err != nil {
		log.Fatal(err)
	}
}

func written(message proto.Message) json.RawMessage {
	text, err := protojson.Marshal(message)
	if err != nil {
		log.Fatal(err)
	}
	return text
}
