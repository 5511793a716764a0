import { afterEach, describe, expect, it, vi } from "vitest";
import { levelOf, MicrophoneError, openMicrophone, problemOf, type MicrophoneProblem } from "./microphone";

const named = (name: string) => Object.assign(new Error(name), { name });

function withMedia(media: unknown): void {
  vi.stubGlobal("navigator", { mediaDevices: media });
}

async function refusal(chosen: string): Promise<MicrophoneProblem | undefined> {
  const error: unknown = await openMicrophone(chosen).catch((reason: unknown) => reason);
  return error instanceof MicrophoneError ? error.problem : undefined;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a microphone", () => {
  it.each([
    ["NotAllowedError", "denied"],
    ["NotFoundError", "none"],
    ["OverconstrainedError", "none"],
    ["NotReadableError", "in_use"],
    ["AbortError", "in_use"],
  ] as const)("that fails with %s is said to be %s", (name, problem) => {
    expect(problemOf(named(name))).toBe(problem);
  });

  it("is not there on a page that is not secure", async () => {
    withMedia(undefined);
    expect(await refusal("")).toBe("insecure");
  });

  it("that was chosen and pulled out gives way to any other", async () => {
    const stream = {};
    const getUserMedia = vi.fn().mockRejectedValueOnce(named("OverconstrainedError")).mockResolvedValueOnce(stream);
    withMedia({ getUserMedia });
    expect(await openMicrophone("headset-7")).toBe(stream);
    expect(getUserMedia).toHaveBeenCalledTimes(2);
  });

  it("is not looked for elsewhere when it is refused", async () => {
    const getUserMedia = vi.fn().mockRejectedValue(named("NotAllowedError"));
    withMedia({ getUserMedia });
    expect(await refusal("headset-7")).toBe("denied");
    expect(getUserMedia).toHaveBeenCalledTimes(1);
  });

  it("has a level between silence and full scale", () => {
    expect(levelOf(new Float32Array(8))).toBe(0);
    expect(levelOf(new Float32Array(8).fill(1))).toBe(1);
    expect(levelOf(new Float32Array(8).fill(0.0316))).toBeCloseTo(0.5, 2);
    expect(levelOf(new Float32Array(8).fill(0.0001))).toBe(0);
  });
});
