#!/bin/sh
# Makes a kernel and an initial RAM disk for small test VMs: vm-image.sh FOLDER
# FOLDER gets vmlinuz and initrd: Debian's cloud kernel, busybox, the modules for a virtio network card, and an init that runs
# /test (appended by each test as a second archive) and powers off.
set -eu
PATH=$PATH:/usr/sbin:/sbin
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ {print $2; exit}')
[ -n "$package" ] || { echo "apt knows no linux-image-cloud-amd64" >&2; exit 1; }
apt-get download -q "$package" >/dev/null
dpkg -x ./*.deb package
version=$(ls package/lib/modules)
depmod -b package "$version"

mkdir -p root/bin root/dev root/proc root/sys root/etc root/modules
cp "$(command -v busybox)" root/bin/busybox
number=100
for module in virtio_pci virtio_net af_packet; do
  modprobe -d "$work/package" -S "$version" --show-depends "$module" | awk '$1 == "insmod" {print $2}' >needed || true
  while read -r file; do
    case $file in
      *.xz) xz -dc "$file" >"root/modules/$(basename "$file" .xz)" ;;
      *) cp "$file" root/modules/ ;;
    esac
    grep -qxF "$(basename "$file" .xz)" root/modules/order 2>/dev/null || basename "$file" .xz >>root/modules/order
  done <needed
done
cat >root/etc/udhcpc <<'SCRIPT'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
ip route add default via "$router"
echo "nameserver $dns" >/etc/resolv.conf
echo "lease $ip/$mask router $router dns $dns"
SCRIPT
cat >root/init <<'SCRIPT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
while read -r module; do insmod "/modules/$module"; done </modules/order
ip link set lo up
ip link set eth0 up
sh /test
echo "test ended with $?"
poweroff -f
SCRIPT
chmod 755 root/init root/etc/udhcpc
(cd root && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >initrd
mkdir -p "$folder"
cp "package/boot/vmlinuz-$version" "$folder/vmlinuz.new"
cp initrd "$folder/initrd.new"
mv "$folder/vmlinuz.new" "$folder/vmlinuz"
mv "$folder/initrd.new" "$folder/initrd"
