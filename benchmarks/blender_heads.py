"""Run by Blender, not by Python: `blender -b -P blender_heads.py -- FILE OUT.json [OUT.png FRAME]`.

Imports a BVH or glTF file into an empty scene and writes where each bone's head is in each frame, in Blender's world
(z up); with a picture's name also a picture of one frame, seen from where the camera was (glTF only: BVH has no mesh).
"""

import builtins
import json
import sys
from pathlib import Path

import bpy
import numpy
from mathutils import Vector

FPS = 30

# Debian's Blender 3.4 is older than its Python and NumPy: its importers use what these no longer have.
_open = builtins.open
builtins.open = lambda file, mode="r", *more, **named: _open(file, mode.replace("U", ""), *more, **named)
if not hasattr(numpy, "bool"):
    numpy.bool = bool

arguments = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps = FPS
if arguments[0].endswith(".bvh"):
    bpy.ops.import_anim.bvh(filepath=arguments[0], use_fps_scale=False, update_scene_duration=True)
else:
    bpy.ops.import_scene.gltf(filepath=arguments[0])
armatures = [each for each in scene.objects if each.type == "ARMATURE"]
ends = [each.animation_data.action.frame_range for each in armatures]
first, last = round(min(end[0] for end in ends)), round(max(end[1] for end in ends))
frames = []
for frame in range(first, last + 1):
    scene.frame_set(frame)
    frames.append(
        {each.name: {bone.name: list(each.matrix_world @ bone.head) for bone in each.pose.bones} for each in armatures}
    )
Path(arguments[1]).write_text(json.dumps({"first": first, "frames": frames}), encoding="utf-8")

if len(arguments) > 2:
    scene.frame_set(first + int(arguments[3]))
    heads = [Vector(place) for bones in frames[int(arguments[3])].values() for place in bones.values()]
    middle = sum(heads, Vector()) / len(heads)
    eye = bpy.data.objects.new("eye", bpy.data.cameras.new("eye"))
    eye.location = middle + Vector((0, -4.5, 0.4))
    eye.rotation_euler = (middle - eye.location).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(eye)
    scene.camera = eye
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    sun.data.energy, sun.rotation_euler = 4, (0.7, 0.2, 0)
    scene.collection.objects.link(sun)
    scene.world = bpy.data.worlds.new("grey")
    scene.world.color = (0.6, 0.6, 0.6)
    scene.render.engine = "CYCLES"  # the other engines need a display
    scene.cycles.samples, scene.cycles.device, scene.cycles.use_denoising = 16, "CPU", False
    scene.render.resolution_x, scene.render.resolution_y = 480, 480
    scene.render.filepath = arguments[2]
    bpy.ops.render.render(write_still=True)
