# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
# The networks of examples/, as they are: networkd makes them, guests use them. What boots comes from a drop-in.

examples=/usr/share/doc/microvm-host/examples

# example NAME: its files, where its README says
example() {
	mkdir -p /etc/systemd/network /etc/microvm
	cp "$examples/$1"/network/* /etc/systemd/network
	cp "$examples/$1"/microvm/* /etc/microvm
	[ ! -e "$examples/$1/sysctl" ] || /usr/lib/systemd/systemd-sysctl "$examples/$1"/sysctl/*
	systemctl restart systemd-networkd
}

# guest NAME WORD...: what it boots and does
guest() {
	mkdir -p "/etc/microvm/$1.conf.d"
	printf '[microvm]\nkernel=%s\ninitrdPath=%s\nkernelParams=%s\nmem=256\nrestart=no\n' \
		"$kernel" "$initrd" "$kernel_params ${*:2}" >"/etc/microvm/$1.conf.d/test.conf"
}

# end NAME...: cut off, and all of the example with it
end() {
	local name

	for name in "$@"; do
		systemctl kill --signal=KILL --kill-who=main "microvm@$name"
		wait_until 10 is_over "$name"
		wait_until 10 test ! -e "/sys/class/net/vm-$name"
	done
	systemctl stop systemd-networkd.socket systemd-networkd
	rm -rf /etc/systemd/network /etc/microvm
	systemctl stop world
	ip netns del world
	reload
}

# world INTERFACE ADDRESS: another machine behind an interface of ours, which serves what address it sees
world() {
	cat >/run/serve.py <<-"EOF"
		import http.server

		class Who(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(200)
		        self.end_headers()
		        self.wfile.write(b"you are " + self.client_address[0].encode())

		http.server.HTTPServer(("", 80), Who).serve_forever()
	EOF
	ip netns add world
	ip link add "$1" type veth peer name port
	ip link set port netns world
	ip -n world link set port up
	ip -n world link set lo up
	ip -n world addr add "$2" dev port
	systemd-run --quiet --unit=world -p NetworkNamespacePath=/run/netns/world python3 /run/serve.py
	wait_until 10 ip netns exec world python3 -c 'import socket; socket.create_connection(("127.0.0.1", 80))'
}

test_networkd_is_there() {
	rm -f /etc/systemd/system/systemd-networkd.service
	reload
}

test_lan_bridge() {
	world en0 10.7.0.1/24
	example lan-bridge
	guest web test.ip=10.7.0.2/24 test.fetch=http://10.7.0.1/
	guest db
	reload
	start web
	guest_says web "fetched you are 10.7.0.2"
	assert_match "$(ip link show en0)" "master br0"
	end web
	ip link del br0
}

test_nat() {
	world up0 198.51.100.2/24
	ip link set up0 up
	ip addr add 198.51.100.1/24 dev up0
	example nat
	guest web test.dhcp test.fetch=http://198.51.100.2/
	reload
	start web
	guest_says web "dhcp 10.0.0.1[0-9][0-9]"
	guest_says web "fetched you are 198.51.100.1"
	end web
	ip link del microvm
}

test_routed() {
	world up0 198.51.100.2/24
	ip -n world route add 192.0.2.0/24 via 198.51.100.1
	ip link set up0 up
	ip addr add 198.51.100.1/24 dev up0
	example routed
	guest web test.ip=192.0.2.10/32 test.route=10.0.0.1 test.serve=80 test.fetch=http://198.51.100.2/
	guest db test.ip=192.0.2.11/32 test.route=10.0.0.1 test.fetch=http://192.0.2.10/
	reload
	start web
	guest_says web "fetched you are 192.0.2.10"
	start db
	guest_says db "fetched guest: hello"
	end web db
}

test_nothing_is_left() {
	ln -s /dev/null /etc/systemd/system/systemd-networkd.service
	reload
	no_interfaces
}
