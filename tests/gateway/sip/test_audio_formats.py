"""Which codec is agreed, under which payload type, and what goes with it."""

from __future__ import annotations

import secrets
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SdpError
from gateway.media.codecs import CODECS, codec_of
from gateway.media.port import LocalAudio, RemoteAudio
from gateway.sip.audio_formats import AudioPolicy, Preference
from gateway.sip.media_protection import MediaProtection, ProtectionRules
from gateway.sip.offer_answer import AudioNegotiation
from gateway.sip.sdp import MediaDescription, parse_sdp

ALL = AudioPolicy(codecs=tuple(CODECS[name] for name in ("G722", "PCMA", "PCMU", "opus")))
OURS = AudioPolicy(codecs=ALL.codecs, preference=Preference.OURS)
SILENT = AudioPolicy(comfort_noise=False)
OPUS = "a=rtpmap:96 opus/48000/2"
#: As Chrome offers, shortened.
BROWSER = (
    "m=audio 4000 RTP/AVP 111 63 9 0 8 13 110 126",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=rtpmap:63 red/48000/2",
    "a=fmtp:63 111/111",
    "a=rtpmap:9 G722/8000",
    "a=rtpmap:13 CN/8000",
    "a=rtpmap:110 telephone-event/48000",
    "a=rtpmap:126 telephone-event/8000",
)


def negotiation(policy: AudioPolicy = ALL) -> AudioNegotiation:
    return AudioNegotiation(
        LocalAudio(host="127.0.0.1", port=10_000), 42, policy, MediaProtection(ProtectionRules(), secrets.randbits)
    )


def description(*lines: str) -> bytes:
    head = ("v=0", "o=- 1 1 IN IP4 192.0.2.5", "s=-", "c=IN IP4 192.0.2.5", "t=0 0")
    return ("\r\n".join(head + lines) + "\r\n").encode()


def audio_of(body: bytes) -> MediaDescription:
    (media,) = parse_sdp(body).media
    return media


def answered(policy: AudioPolicy, *lines: str) -> tuple[MediaDescription, RemoteAudio]:
    audio = negotiation(policy)
    media = audio_of(audio.answer(description(*lines)))
    assert audio.remote is not None
    return media, audio.remote


def attributes(media: MediaDescription, name: str) -> list[str | None]:
    return [value for key, value in media.attributes if key == name]


def test_a_browsers_first_choice_is_opus_with_events_at_its_clock() -> None:
    media, remote = answered(ALL, *BROWSER)
    assert media.formats == ["111", "110"]
    assert attributes(media, "rtpmap") == ["111 opus/48000/2", "110 telephone-event/48000"]
    assert (remote.codec, remote.payload_type, remote.dtmf_payload_type) == ("opus", 111, 110)
    assert (remote.fmtp, remote.noise_payload_type) == ("minptime=10;useinbandfec=1", None)


def test_our_order_counts_where_the_settings_say_so() -> None:
    media, remote = answered(OURS, *BROWSER)
    assert media.formats == ["9", "13", "126"]
    assert (remote.codec, remote.dtmf_payload_type, remote.noise_payload_type) == ("G722", 126, 13)


def test_a_codec_that_is_not_in_the_settings_is_not_spoken() -> None:
    _, remote = answered(AudioPolicy(), *BROWSER)
    assert remote.codec == "PCMU"
    with pytest.raises(SdpError, match="spoken are PCMA, PCMU, offered: G722"):
        answered(AudioPolicy(), "m=audio 4000 RTP/AVP 9")


def test_g722_keeps_the_clock_of_8_khz_of_rfc_3551() -> None:
    media, remote = answered(ALL, "m=audio 4000 RTP/AVP 9 8")
    assert attributes(media, "rtpmap") == ["9 G722/8000"]
    assert (remote.codec, remote.payload_type) == ("G722", 9)
    with pytest.raises(SdpError, match="no common codec"):
        answered(ALL, "m=audio 4000 RTP/AVP 97", "a=rtpmap:97 G722/16000")


@pytest.mark.parametrize("wrong", ["opus/48000", "opus/16000/2", "opus/48000/1", "opus"])
def test_opus_is_48000_and_2_whatever_it_carries(wrong: str) -> None:
    with pytest.raises(SdpError, match="no common codec"):
        answered(ALL, "m=audio 4000 RTP/AVP 96", f"a=rtpmap:96 {wrong}")


def test_a_payload_type_means_what_its_rtpmap_says() -> None:
    _, remote = answered(ALL, "m=audio 4000 RTP/AVP 9 0", "a=rtpmap:9 PCMU/8000")
    assert (remote.codec, remote.payload_type) == ("PCMU", 9)


def test_telephone_event_counts_at_the_clock_of_the_codec_or_at_8_khz() -> None:
    event, fast = "a=rtpmap:101 telephone-event/8000", "a=rtpmap:102 telephone-event/48000"
    for lines, taken in (((event, fast), (102, 48000)), ((event,), (101, 8000)), ((fast,), (102, 48000))):
        _, remote = answered(ALL, "m=audio 4000 RTP/AVP 96 101 102", OPUS, *lines)
        assert (remote.dtmf_payload_type, remote.dtmf_clock) == taken
    assert answered(ALL, "m=audio 4000 RTP/AVP 9 102", fast)[1].dtmf_payload_type is None


def test_comfort_noise_is_agreed_only_where_it_is_offered_and_wanted() -> None:
    assert answered(ALL, "m=audio 4000 RTP/AVP 8 13")[1].noise_payload_type == 13
    assert answered(ALL, "m=audio 4000 RTP/AVP 8 98", "a=rtpmap:98 CN/8000")[1].noise_payload_type == 98
    assert answered(ALL, "m=audio 4000 RTP/AVP 8")[1].noise_payload_type is None
    assert answered(ALL, "m=audio 4000 RTP/AVP 96 13", OPUS)[1].noise_payload_type is None
    media, remote = answered(SILENT, "m=audio 4000 RTP/AVP 8 13")
    assert (media.formats, remote.noise_payload_type) == (["8"], None)


def test_our_offer_names_all_that_we_speak_in_our_order() -> None:
    media = audio_of(negotiation().offer())
    assert media.formats == ["9", "8", "0", "111", "13", "101", "110"]
    assert "111 opus/48000/2" in attributes(media, "rtpmap")
    assert "110 telephone-event/48000" in attributes(media, "rtpmap")
    assert audio_of(negotiation().offer(first="PCMU")).formats[:4] == ["0", "9", "8", "111"]
    assert audio_of(negotiation(SILENT).offer()).formats == ["8", "0", "101"]


def test_every_codec_of_ours_survives_its_own_offer_and_answer() -> None:
    for codec in ALL.codecs:
        caller, called = negotiation(), negotiation(AudioPolicy(codecs=(codec,)))
        caller.take_answer(called.answer(caller.offer()))
        assert caller.remote is not None
        assert (caller.remote.codec, caller.remote.fmtp) == (codec.name, codec.fmtp)
        assert codec_of(codec.rtpmap.lower()) is codec


def test_a_session_keeps_its_payload_types_and_its_codec_when_we_offer_again() -> None:
    audio = negotiation()
    audio.answer(description("m=audio 4000 RTP/AVP 101 8 97", "a=rtpmap:101 opus/48000/2",
                             "a=rtpmap:97 telephone-event/48000"))  # fmt: skip
    for again in (audio, AudioNegotiation.restore(audio.snapshot(), ALL, secrets.randbits)):
        mapped = attributes(audio_of(again.offer()), "rtpmap")
        assert {"101 opus/48000/2", "97 telephone-event/48000", "96 telephone-event/8000"} <= set(mapped)
    assert audio_of(audio.offer()).formats[0] == "101"


def test_a_re_invite_changes_the_codec() -> None:
    audio = negotiation()
    audio.answer(description("m=audio 4000 RTP/AVP 9 8 101", "a=rtpmap:101 telephone-event/8000"))
    assert audio_of(audio.answer(description("m=audio 4000 RTP/AVP 8"))).formats == ["8"]
    assert audio.remote is not None
    assert (audio.remote.codec, audio.remote.dtmf_payload_type) == ("PCMA", None)


def test_an_answer_may_give_another_number_to_what_we_offered() -> None:
    audio = negotiation()
    audio.offer()
    audio.take_answer(description("m=audio 4000 RTP/AVP 120", "a=rtpmap:120 OPUS/48000/2", "a=fmtp:120 cbr=1"))
    assert audio.remote is not None
    assert (audio.remote.codec, audio.remote.payload_type, audio.remote.fmtp) == ("opus", 120, "cbr=1")
    assert (audio.remote.own_payload_type, audio.remote.own_dtmf_payload_type) == (111, 101)
    assert "111 opus/48000/2" in attributes(audio_of(audio.offer()), "rtpmap")


LINES = (*BROWSER[1:], "a=fmtp:111", "a=rtpmap:111", "a=rtpmap:9 /", "a=fmtp:9 " + "x" * 999,
         "a=rtpmap:8 opus/48000/2", "a=rtpmap:999 PCMA/8000", "a=ptime:")  # fmt: skip


@given(st.lists(st.sampled_from(LINES), max_size=20), st.lists(st.integers(0, 130), max_size=20))
def test_an_answer_has_numbers_of_the_offer_only(lines: list[str], types: list[int]) -> None:
    audio = negotiation()
    with suppress(SdpError):
        media = audio_of(audio.answer(description(f"m=audio 4000 RTP/AVP {' '.join(map(str, types))}", *lines)))
        assert {int(number) for number in media.formats} <= set(types)
        assert audio.remote is not None
        assert audio.remote.payload_type in types
        assert len(audio.remote.fmtp) <= 256
        numbers = audio_of(audio.offer()).formats
        assert len(set(numbers)) == len(numbers)
