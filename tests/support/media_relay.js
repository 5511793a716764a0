// Put into a page before its own scripts: its peer connections send to ports of the relay (`relayPort`) instead.
{
  const { prototype } = window.RTCPeerConnection;
  const set = prototype.setRemoteDescription;
  const candidate = /^(a=candidate:\S+ \d+ udp \d+ )(\S+) (\d+)( typ host.*)$/gim;
  prototype.setRemoteDescription = async function (description) {
    let { sdp } = description;
    for (const [line, head, host, port, tail] of [...sdp.matchAll(candidate)]) {
      const relayed = await window.relayPort(host, Number(port));
      sdp = sdp.replace(line, `${head}127.0.0.1 ${relayed}${tail}`).replace(`m=audio ${port} `, `m=audio ${relayed} `);
    }
    return set.call(this, { type: description.type, sdp });
  };
}
