#!/busybox sh
# The first process of the virtual machine. Says how the tests ended on its console, then stops it.
PATH=/tools:/usr/bin:/usr/sbin
export PATH HOME=/tmp LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
/busybox mkdir -p /tools /proc /sys /dev /tmp /usr /run
/busybox --install -s /tools
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts && mount -t tmpfs tmp /dev/shm && mount -t devpts pts /dev/pts
for module in $(cat /first/order); do insmod "/first/$module"; done

share() { mkdir -p "$2" && mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose "$1" "$2"; }
share usr /usr
share project "$project"
for folder in bin sbin lib64; do ln -s "usr/$folder" "/$folder"; done
mkdir -p /lib && ln -s /usr/lib/x86_64-linux-gnu "$project/build/vm/kernel/lib/modules" /lib
ip link set lo up

echo "vm: Linux $(uname -r) is up after $(cut -d' ' -f1 /proc/uptime) s"
sh /suite
echo "vm: the tests ended with $?"
reboot -f
