package relay

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
)

func TestRelay(t *testing.T) {
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	go func() {
		conn, err := target.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.Copy(conn, conn)
	}()
	r, err := Listen("127.0.0.1:0", target.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", r.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "hello\n")
	reader := bufio.NewReader(conn)
	if line, err := reader.ReadString('\n'); err != nil || line != "hello\n" {
		t.Fatalf("got %q, %v through the relay", line, err)
	}
	r.Stop()
	if _, err := reader.ReadByte(); err == nil {
		t.Error("the connection is open though the relay was stopped")
	}
}
